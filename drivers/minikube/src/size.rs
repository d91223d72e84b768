//! Sizes of memory and disk, as minikube reads them: `4g` is 4096 MiB, and so is `4096`.

/// A size in MiB; `None` is no size that minikube takes.
///
/// minikube counts in powers of two whatever the suffix says, and takes a bare number for MiB
/// (its `CalculateSizeInMB`).
pub(crate) fn mebibytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let bytes = match suffix.trim().to_ascii_lowercase().trim_end_matches(['b', 'i']) {
        "" if !suffix.is_empty() => 1.0,
        "" => 1024.0 * 1024.0,
        "k" => 1024.0,
        "m" => 1024.0 * 1024.0,
        "g" => 1024.0 * 1024.0 * 1024.0,
        "t" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive, and cut off as minikube does"
    )]
    Some((number * bytes / (1024.0 * 1024.0)) as u64)
}

/// The usual spelling of a size: `4g`, `2200m`.
pub(crate) fn spelled(mebibytes: u64) -> String {
    if mebibytes > 0 && mebibytes.is_multiple_of(1024) {
        format!("{}g", mebibytes / 1024)
    } else {
        format!("{mebibytes}m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_size_is_the_same() {
        for text in ["4g", "4G", "4gb", "4GiB", "4096", "4096m", "4096MB", "4194304k", "4 g"] {
            assert_eq!(mebibytes(text), Some(4096), "{text}");
        }
        assert_eq!(mebibytes("1.5g"), Some(1536));
        assert_eq!(mebibytes("1048576b"), Some(1));
    }

    #[test]
    fn what_is_no_size_is_none() {
        for text in ["", "g", "4x", "max", "-1", "4gg4"] {
            assert_eq!(mebibytes(text), None, "{text}");
        }
    }

    #[test]
    fn a_size_is_spelled_as_one_would() {
        assert_eq!((spelled(4096).as_str(), spelled(2200).as_str()), ("4g", "2200m"));
        assert_eq!(mebibytes(&spelled(2200)), Some(2200));
    }
}
