//! The languages there is a template for, and what each is made of.

use clap::ValueEnum;

use super::sdk::Sdk;
use crate::error::Error;

/// A language that a driver can be begun in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// With the crate `caproni-driver`
    Rust,
    /// With jq and flock
    Bash,
    /// With the standard library alone
    Python,
    /// JavaScript, with what Node brings along
    Node,
    /// With the standard library alone
    Go,
}

/// What is written for one driver.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) files: Vec<File>,
    /// The commands that build it, test it, and let it be found, in its folder.
    pub(super) steps: Vec<String>,
    /// What it takes besides, and may not be there.
    pub(super) warning: Option<String>,
}

/// A file of a driver's folder.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) is_executable: bool,
}

/// A template before it has a name.
struct Source {
    language: &'static str,
    needs: &'static str,
    /// Where an author begins.
    begin: &'static str,
    /// The name that the driver's own text has, which is an example of the project.
    example: &'static str,
    driver: (&'static str, &'static str),
    more: &'static [(&'static str, &'static str)],
    /// Builds and tests it.
    steps: &'static [&'static str],
    /// The folder with the executable.
    folder: &'static str,
}

const NAME: &str = "{{name}}";
const EXECUTABLE: &str = "caproni-driver-{{name}}";
const README: &str = include_str!("templates/README.md");

/// A file of the checkout, by its path from the root.
macro_rules! checkout {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../", $path))
    };
}

const RUST: Source = Source {
    language: "Rust",
    needs: concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or later"),
    begin: "in `src/main.rs`, where it reads and writes files",
    example: "mine",
    driver: ("src/main.rs", checkout!("drivers/sdk/examples/smallest.rs")),
    more: &[
        ("Cargo.toml", include_str!("templates/rust/manifest.toml")),
        ("tests/life.rs", include_str!("templates/rust/life.rs")),
    ],
    steps: &["cargo test", "cargo build"],
    folder: "/target/debug",
};

const BASH: Source = Source {
    language: "bash",
    needs: "bash 4.4 or later, jq and flock",
    begin: "where it calls `work`",
    example: NAME,
    driver: (EXECUTABLE, include_str!("templates/bash/driver")),
    more: &[("test.sh", include_str!("templates/bash/test.sh"))],
    steps: &["bash test.sh"],
    folder: "",
};

const PYTHON: Source = Source {
    language: "Python",
    needs: "Python 3.9 or later",
    begin: "where it calls `request.work()`",
    example: "python",
    driver: (EXECUTABLE, checkout!("drivers/examples/python/caproni-driver-python")),
    more: &[("test_driver.py", include_str!("templates/python/test_driver.py"))],
    steps: &["python3 -m unittest"],
    folder: "",
};

const NODE: Source = Source {
    language: "JavaScript",
    needs: "Node 18 or later",
    begin: "where it calls `request.work()`",
    example: "node",
    driver: (EXECUTABLE, checkout!("drivers/examples/node/caproni-driver-node")),
    more: &[("driver.test.js", include_str!("templates/node/driver.test.js"))],
    steps: &["node --test"],
    folder: "",
};

const GO: Source = Source {
    language: "Go",
    needs: "Go 1.19 or later",
    begin: "where it calls `work`",
    example: "go",
    driver: ("main.go", checkout!("drivers/examples/go/main.go")),
    more: &[
        ("go.mod", checkout!("drivers/examples/go/go.mod")),
        ("main_test.go", include_str!("templates/go/main_test.go")),
    ],
    steps: &["go test", "go build -o caproni-driver-{{name}}"],
    folder: "",
};

impl Language {
    /// The files of a driver of this name, and what to do with them; one in Rust has an SDK.
    ///
    /// # Errors
    /// `Usage` for a driver's name that the language's own tools do not take.
    pub(super) fn template(self, name: &str, sdk: Option<&Sdk>) -> Result<Template, Error> {
        self.check_name(name)?;
        let source = self.source();
        let mut files = vec![source.driver(name)];
        files.extend(source.more.iter().map(|(path, text)| source.file(name, path, text)));
        let folder = sdk.map_or(source.folder, |sdk| sdk.executables(source.folder));
        let mut steps: Vec<_> = source.steps.iter().map(|step| step.replace(NAME, name)).collect();
        steps.push(format!("export CAPRONI_DRIVER_PATH=\"$PWD{folder}\""));
        if let Some(sdk) = sdk {
            files.iter_mut().for_each(|file| file.text = sdk.fill_in(&file.text));
        }
        let program = format!("{folder}/{EXECUTABLE}");
        let readme = source.readme(&steps, program.trim_start_matches('/'));
        files.push(source.file(name, "README.md", &readme));
        Ok(Template { files, steps, warning: sdk.and_then(Sdk::warning) })
    }

    fn source(self) -> &'static Source {
        match self {
            Self::Rust => &RUST,
            Self::Bash => &BASH,
            Self::Python => &PYTHON,
            Self::Node => &NODE,
            Self::Go => &GO,
        }
    }

    /// A driver's name becomes a package's or a module's in some languages.
    fn check_name(self, name: &str) -> Result<(), Error> {
        let hint = match self {
            Self::Rust if name.contains('.') => "use letters, digits, `-` and `_`",
            Self::Go if name.ends_with('.') => "leave out the `.` at its end",
            _ => return Ok(()),
        };
        let language = self.source().language;
        let message = format!("`caproni-driver-{name}` cannot be a package's name in {language}");
        Err(Error::usage(message).with_hint(hint))
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

impl Source {
    fn driver(&self, name: &str) -> File {
        let (path, text) = self.driver;
        let [example, own] = [self.example, name].map(|name| format!("\"{name}\""));
        self.file(name, path, &text.replace(&example, &own))
    }

    fn file(&self, name: &str, path: &str, text: &str) -> File {
        let [example, own] = [self.example, name].map(|name| format!("caproni-driver-{name}"));
        let text = text.replace(&example, &own).replace(NAME, name);
        let is_executable = text.starts_with("#!");
        File { path: path.replace(NAME, name), text, is_executable }
    }

    fn readme(&self, steps: &[String], program: &str) -> String {
        README
            .replace("{{language}}", self.language)
            .replace("{{needs}}", self.needs)
            .replace("{{begin}}", self.begin)
            .replace("{{steps}}", &steps.join("\n"))
            .replace("{{program}}", program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(language: Language, name: &str) -> Template {
        let sdk = (language == Language::Rust).then_some(Sdk::Registry);
        language.template(name, sdk.as_ref()).unwrap()
    }

    #[test]
    fn a_driver_has_its_own_name_and_no_trace_of_the_example() {
        for language in Language::value_variants() {
            let Source { example, driver, .. } = language.source();
            assert!(driver.1.contains(&format!("\"{example}\"")) || *example == NAME);
            let template = template(*language, "x-1_z");
            assert!(template.files[0].text.contains("x-1_z"), "{language}");
            assert!(!template.files[0].text.contains(&format!("\"{example}\"")), "{language}");
            for File { path, text, .. } in template.files {
                let traces = ["{{".to_owned(), format!("caproni-driver-{example}")];
                let trace = traces.iter().find(|trace| text.contains(trace.as_str()));
                assert_eq!(trace, None, "{language}, {path}");
            }
        }
    }

    #[test]
    fn scripts_can_be_run_and_nothing_else() {
        for language in Language::value_variants() {
            let files = template(*language, "x").files;
            let run: Vec<_> = files.iter().filter(|file| file.is_executable).collect();
            let scripts = ["caproni-driver-x", "test.sh"];
            assert!(run.iter().all(|file| scripts.contains(&file.path.as_str())), "{run:?}");
            let is_script = matches!(language, Language::Bash | Language::Python | Language::Node);
            assert_eq!(run.iter().any(|file| file.path == scripts[0]), is_script, "{language}");
        }
    }

    #[test]
    fn names_that_a_language_s_tools_do_not_take_are_refused() {
        assert!(Language::Rust.template("a.b", Some(&Sdk::Registry)).is_err());
        assert!(Language::Go.template("a.", None).is_err());
        assert!(Language::Go.template("a.b", None).is_ok());
        assert!(Language::Bash.template("a.b.", None).is_ok());
    }
}
