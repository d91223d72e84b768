#!/bin/sh
# Installs caproni for one user: the program, its drivers, the manual and the completions.
#
#   sh install.sh [--version VERSION] [--prefix DIR]    install, or bring up to date
#   sh install.sh --uninstall [--prefix DIR]            remove what it has installed
#
# DIR is ~/.local by default, so the programs land in ~/.local/bin; root is not needed and not asked for.
# VERSION is the newest release by default. The archive is held against the checksums of the release, and
# nothing is installed unless it matches. CAPRONI_RELEASES names another place with the same files: that which
# has latest, and download/vVERSION/ with the archives and SHA256SUMS.

set -eu

# Filled in by whoever publishes a release.
RELEASES=${CAPRONI_RELEASES:-@RELEASES@}

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $1"
    [ $# -lt 2 ] || say "hint: $2"
    exit 1
}

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit "$1"
}

version='' prefix='' action=install
while [ $# -gt 0 ]; do
    case $1 in
    --version | --prefix)
        [ -n "${2:-}" ] || die "$1 needs a value"
        if [ "$1" = --version ]; then version=${2#v}; else prefix=$2; fi
        shift 2
        ;;
    --uninstall) action=uninstall && shift ;;
    --help | -h) usage 0 ;;
    *) say "error: unknown argument $1" && usage 2 ;;
    esac
done
[ -n "$prefix" ] || prefix=${HOME:?'error: HOME is not set: pass --prefix DIR'}/.local
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
# What was installed, one path below the prefix a line.
manifest=$prefix/share/caproni/installed

# A path of the list that is none of ours is not followed out of the prefix.
uninstall() {
    [ -f "$manifest" ] || die "nothing is installed in $prefix" "pass the --prefix that it was installed with"
    while read -r file; do
        case /$file/ in */../* | //*) die "the list $manifest names $file" ;; esac
        rm -f "$prefix/$file"
    done <"$manifest"
    rm -f "$manifest"
    for folder in caproni doc/caproni/docs doc/caproni; do
        rmdir "$prefix/share/$folder" 2>/dev/null || true
    done
    say "caproni is removed from $prefix; clusters and their state are not touched"
}

# The platform in rustc's words.
target() {
    case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) die "there is no release for $(uname -m)" "build it from source, see README.md" ;;
    esac
    case $(uname -s) in
    Linux) echo "$machine-unknown-linux-musl" ;;
    Darwin) echo "$machine-apple-darwin" ;;
    *) die "there is no release for $(uname -s)" "build it from source, see README.md" ;;
    esac
}

# The wget of busybox has a limit of its own, and in Debian 12 it crashes when it is given another.
quiet_wget() {
    case $(wget --version 2>/dev/null) in
    *'GNU Wget'*) wget -q -T 20 "$@" ;;
    *) wget -q "$@" ;;
    esac
}

# Where no release is named, the place that the newest one is at says which it is.
newest() {
    if command -v curl >/dev/null; then
        at=$(curl -fsSLI -o /dev/null -w '%{url_effective}' --max-time 60 "$RELEASES/latest") || at=
    else
        at=$(quiet_wget -S --spider "$RELEASES/latest" 2>&1 |
            sed -n 's/^ *[Ll]ocation: *\([^ ]*\).*/\1/p' | tail -n 1) || at=
    fi
    case $at in
    */tag/v*) echo "${at##*/tag/v}" ;;
    *) die "cannot find out the newest release at $RELEASES" "pass --version VERSION" ;;
    esac
}

fetch() {
    if command -v curl >/dev/null; then
        curl -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1"
    elif command -v wget >/dev/null; then
        quiet_wget -O "$2" "$1"
    else
        die "neither curl nor wget is installed" "install one of them"
    fi || die "cannot fetch $1" "look at the address, and whether that version exists"
}

sum() {
    if command -v sha256sum >/dev/null; then
        sha256sum "$1"
    elif command -v shasum >/dev/null; then
        shasum -a 256 "$1"
    else
        die "neither sha256sum nor shasum is installed" "install one of them"
    fi | cut -d' ' -f1
}

verify() {
    expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
    [ -n "$expected" ] || die "SHA256SUMS of release $version does not name $archive"
    found=$(sum "$work/$archive")
    [ "$found" = "$expected" ] || die "$archive is not what the release says: its SHA-256 is $found, not $expected" \
        "do not use it; try again, and report it when it stays so"
}

# Each file is complete before it has its name, on the same file system, so that none is ever half there.
# The program comes last: what it needs is there by then.
put() {
    folder=$prefix/${1%/*}
    mkdir -p "$folder"
    temporary=$folder/.caproni-new.$$
    cp -P "$unpacked/$1" "$temporary"
    mv -f "$temporary" "$prefix/$1"
    temporary=
}

install() {
    case $RELEASES in @*) die "this copy of install.sh belongs to no release" "take the one of a release, or set CAPRONI_RELEASES" ;; esac
    target=$(target)
    [ -n "$version" ] || version=$(newest)
    case $version in *[!0-9A-Za-z.+-]*) die "$version is no version" "pass one such as 0.1.0" ;; esac
    archive=caproni-$version-$target.tar.gz
    for name in "$archive" SHA256SUMS; do
        fetch "$RELEASES/download/v$version/$name" "$work/$name"
    done
    verify
    tar -xzf "$work/$archive" -C "$work"
    unpacked=$work/caproni-$version-$target
    "$unpacked/bin/caproni" --version >/dev/null || die "the program in $archive does not run here"
    (cd "$unpacked" && find . ! -type d | sed 's|^\./||' | grep -vx 'bin/caproni' && echo bin/caproni) >"$work/files"
    mkdir -p "$prefix/share/caproni"
    # Files of the release before that this one no longer has stay on the list.
    { cat "$work/files" && if [ -f "$manifest" ]; then cat "$manifest"; fi; } | sort -u >"$work/all"
    cp "$work/all" "$manifest"
    while read -r file; do put "$file"; done <"$work/files"
    say "caproni $version is installed in $prefix"
    case :$PATH: in
    *:"$prefix/bin":*) say "try: caproni --driver mock start" ;;
    *) say "$prefix/bin is not in PATH yet: add the line  export PATH=\"$prefix/bin:\$PATH\"  to the file that your shell reads first" ;;
    esac
}

if [ $action = uninstall ]; then
    uninstall
else
    work=$(mktemp -d)
    temporary=
    trap 'rm -rf "$work" ${temporary:+"$temporary"}' EXIT
    trap 'exit 130' HUP INT TERM
    install
fi
