// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Entries of `sources.list(5)`, in both of its formats.
//!
//! Addresses, keys and options are carried over as they are written; only the suites are ever replaced. Apt has no way to read
//! another suite of an archive that it knows, and what it says of one (`apt-get indextargets`) is without `Signed-By`, embedded
//! keys and other options.

use std::fmt;

/// What an entry offers: binary packages, sources.
const BINARY: &str = "deb";
const SOURCES: &str = "deb-src";

/// One entry that offers binary packages, or, where that is asked for, sources.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// `deb [options] uri suite components`.
    OneLine {
        /// `deb`, or `deb-src` for sources.
        kind: &'static str,
        /// The part in brackets, brackets included, or nothing.
        options: String,
        /// Where the archive is.
        uri: String,
        /// The suite.
        suite: String,
        /// Everything behind the suite.
        components: String,
    },
    /// A stanza of fields.
    Deb822 {
        /// Name and value, continuation lines included.
        fields: Vec<(String, String)>,
    },
}

impl Source {
    /// Reads a file of the one-line format.
    pub(crate) fn parse_list(text: &str) -> Vec<Self> {
        text.lines().filter_map(Self::parse_line).collect()
    }

    fn parse_line(line: &str) -> Option<Self> {
        let line = line.split('#').next()?.trim();
        let rest = line.strip_prefix("deb")?;
        if !rest.starts_with([' ', '\t', '[']) {
            return None;
        }
        let rest = rest.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (inner, rest) = inner.split_once(']')?;
                (format!("[{}]", inner.trim()), rest)
            }
            None => (String::new(), rest),
        };
        let mut words = rest.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        Some(Self::OneLine {
            kind: BINARY,
            options,
            uri: uri.to_owned(),
            suite: suite.to_owned(),
            components: words.collect::<Vec<_>>().join(" "),
        })
        .filter(|_| !uri.starts_with("cdrom:"))
    }

    /// Reads a file of the deb822 format.
    pub(crate) fn parse_sources(text: &str) -> Vec<Self> {
        let mut stanzas = Vec::new();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.lines().chain([""]) {
            if line.starts_with('#') {
                continue;
            }
            if line.trim().is_empty() {
                stanzas.push(std::mem::take(&mut fields));
            } else if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        stanzas.into_iter().map(|fields| Self::Deb822 { fields }).filter(Self::is_enabled_binary_archive).collect()
    }

    fn is_enabled_binary_archive(&self) -> bool {
        let has = |name, word: &str| self.field(name).is_some_and(|value| value.split_whitespace().any(|w| w == word));
        let cdrom = self.field("URIs").is_some_and(|uris| uris.trim_start().starts_with("cdrom:"));
        has("Types", "deb") && !has("Enabled", "no") && !cdrom
    }

    fn field(&self, name: &str) -> Option<&str> {
        match self {
            Self::OneLine { .. } => None,
            Self::Deb822 { fields } => {
                fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
            }
        }
    }

    /// The first address of the archive.
    pub(crate) fn uri(&self) -> Option<&str> {
        match self {
            Self::OneLine { uri, .. } => Some(uri),
            Self::Deb822 { .. } => self.field("URIs")?.split_whitespace().next(),
        }
    }

    /// The same archive with the suite `suite` of it and nothing else, binary packages of `main`.
    pub(crate) fn with_suite(&self, suite: &str) -> Self {
        self.with(BINARY, suite)
    }

    /// The same archive with the suite `suite` of it and nothing else, sources of `main`.
    pub(crate) fn with_sources_of(&self, suite: &str) -> Self {
        self.with(SOURCES, suite)
    }

    fn with(&self, kind: &'static str, suite: &str) -> Self {
        match self {
            Self::OneLine { options, uri, .. } => Self::OneLine {
                kind,
                options: options.clone(),
                uri: uri.clone(),
                suite: suite.to_owned(),
                components: "main".to_owned(),
            },
            Self::Deb822 { fields } => {
                let replaced = ["Types", "Suites", "Components"];
                let kept = |(name, _): &&(String, String)| !replaced.iter().any(|r| name.eq_ignore_ascii_case(r));
                let set = [("Types", kind), ("Suites", suite), ("Components", "main")];
                let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
                Self::Deb822 { fields: set.into_iter().chain(fields.iter().filter(kept).cloned()).collect() }
            }
        }
    }

    /// What the name of a file of this format ends in.
    pub(crate) fn extension(&self) -> &'static str {
        match self {
            Self::OneLine { .. } => "list",
            Self::Deb822 { .. } => "sources",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneLine { kind, options, uri, suite, components } => {
                let words = [kind, options.as_str(), uri, suite, components];
                writeln!(f, "{}", words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
            }
            Self::Deb822 { fields } => fields.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_entries_keep_their_options() {
        let text = "\
# a comment
deb [ arch=amd64 signed-by=/keys/archive.gpg ] file:/archive/debian bookworm main contrib # why
deb-src file:/archive/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
debian nonsense
deb\tmirror+file:/etc/apt/mirrors.list\tbookworm-security\tmain
";
        let sources = Source::parse_list(text);
        assert_eq!(sources.len(), 2);
        assert_eq!(
            sources[0].to_string(),
            "deb [arch=amd64 signed-by=/keys/archive.gpg] file:/archive/debian bookworm main contrib\n"
        );
        assert_eq!(
            sources[0].with_suite("bookworm-backports").to_string(),
            "deb [arch=amd64 signed-by=/keys/archive.gpg] file:/archive/debian bookworm-backports main\n"
        );
        assert_eq!(
            sources[0].with_sources_of("bookworm-backports").to_string(),
            "deb-src [arch=amd64 signed-by=/keys/archive.gpg] file:/archive/debian bookworm-backports main\n"
        );
        assert_eq!(sources[1].to_string(), "deb mirror+file:/etc/apt/mirrors.list bookworm-security main\n");
    }

    #[test]
    fn deb822_stanzas_keep_their_fields_and_embedded_keys() {
        let text = "\
Types: deb deb-src
# moved here
URIs: file:/archive/debian
Suites: trixie trixie-updates
components: main non-free-firmware
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: file:/archive/other
Suites: trixie
Components: main
Enabled: no

Types: deb-src
URIs: file:/archive/debian
Suites: trixie
Components: main
";
        let sources = Source::parse_sources(text);
        assert_eq!(sources.len(), 1);
        assert!(sources[0].with_sources_of("sid").to_string().starts_with("Types: deb-src\nSuites: sid\n"));
        assert_eq!(
            sources[0].with_suite("trixie-backports").to_string(),
            "\
Types: deb
Suites: trixie-backports
Components: main
URIs: file:/archive/debian
Signed-By: 
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let line = Source::parse_list("deb [trusted=yes] file:/archive/debian sid main").remove(0);
        assert_eq!(Source::parse_list(&line.to_string()), std::slice::from_ref(&line));
        assert_eq!(line.extension(), "list");
        let stanza = Source::parse_sources("Types: deb\nURIs: file:/archive/debian\nSuites: sid\n").remove(0);
        assert_eq!(Source::parse_sources(&stanza.to_string()), std::slice::from_ref(&stanza));
        assert_eq!(stanza.extension(), "sources");
    }
}
