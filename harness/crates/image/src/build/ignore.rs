//! The file `.dockerignore`: which files of a context are not sent, by the rules of Docker's own client.

use regex::Regex;

/// The patterns of a `.dockerignore`; of those that match, the last decides.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    matches: Regex,
    /// It begins with `!`: what it matches is sent after all.
    exception: bool,
}

impl Ignore {
    /// The patterns of the file's text; or the first that is invalid.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = lines.map(|line| {
            let (exception, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let matches = expression(&cleaned(pattern)).ok_or_else(|| line.to_owned())?;
            Ok(Pattern { matches, exception })
        });
        Ok(Self(patterns.collect::<Result<_, String>>()?))
    }

    /// Whether a path of the context, with `/` between its parts, is left out: it or a folder that it is in matches.
    pub(super) fn leaves_out(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        let names: Vec<_> = parents.chain([path]).collect();
        self.0.iter().fold(false, |left_out, pattern| {
            // A pattern that cannot change the answer is not asked.
            if pattern.exception == left_out && names.iter().any(|name| pattern.matches.is_match(name)) {
                !pattern.exception
            } else {
                left_out
            }
        })
    }

    /// Whether something in a folder that is left out may be sent.
    pub(super) fn has_exceptions(&self) -> bool {
        self.0.iter().any(|pattern| pattern.exception)
    }
}

/// The pattern without what has no meaning: a slash at its beginning or end, and the parts `.` and `..`.
fn cleaned(pattern: &str) -> String {
    let mut parts = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// `*` and `?` do not match a slash; `**` matches any number of folders.
fn expression(pattern: &str) -> Option<Regex> {
    let mut expression = String::from("^");
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                // `**/` matches no folder, too.
                expression.push_str(if letters.next_if_eq(&'/').is_some() { "(.*/)?" } else { ".*" });
            }
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => {
                let mut class = String::new();
                loop {
                    match letters.next()? {
                        ']' if !matches!(class.as_str(), "" | "^") => break,
                        '\\' => class.extend(['\\', letters.next()?]),
                        letter @ ('[' | '&' | '~') => class.extend(['\\', letter]),
                        letter => class.push(letter),
                    }
                }
                expression.extend(["[", &class, "]"]);
            }
            '\\' => expression.push_str(&regex::escape(&letters.next()?.to_string())),
            letter => expression.push_str(&regex::escape(&letter.to_string())),
        }
    }
    expression.push('$');
    Regex::new(&expression).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases of Docker's documentation of the file.
    #[rstest::rstest]
    #[case("*/temp*", "somedir/temporary.txt", true)]
    #[case("*/temp*", "somedir/temp/a/b", true)]
    #[case("*/temp*", "somedir/subdir/temporary.txt", false)]
    #[case("*/*/temp*", "somedir/subdir/temporary.txt", true)]
    #[case("temp?", "tempa", true)]
    #[case("temp?", "temp", false)]
    #[case("**/*.go", "main.go", true)]
    #[case("**/*.go", "cmd/deep/main.go", true)]
    #[case("**/*.go", "main.gone", false)]
    #[case("target/", "target/debug/harness", true)]
    #[case("/target", "target", true)]
    #[case("./bin/../target", "target", true)]
    #[case("target", "src/target", false)]
    #[case("*.md\n!README.md", "README.md", false)]
    #[case("*.md\n!README.md", "CHANGES.md", true)]
    #[case("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true)]
    #[case("*\n!src", "src/main.rs", false)]
    #[case("*\n!src", "other", true)]
    #[case("# *\n\n  a  ", "a", true)]
    #[case("# *", "b", false)]
    #[case("[a-c].txt", "b.txt", true)]
    #[case("[^a-c].txt", "b.txt", false)]
    #[case("a\\*b", "a*b", true)]
    #[case("a\\*b", "axb", false)]
    #[case("a.c", "abc", false)]
    #[case("docs/**", "docs/a/b", true)]
    fn patterns_are_those_of_docker(#[case] text: &str, #[case] path: &str, #[case] expected: bool) {
        assert_eq!(Ignore::parse(text).unwrap().leaves_out(path), expected, "{text:?} and {path}");
    }

    #[test]
    fn an_invalid_pattern_is_named() {
        assert_eq!(Ignore::parse("a\nb[c").unwrap_err(), "b[c");
    }
}
