//! What must be known of a Dockerfile before it is built: the images that it begins with.

use std::collections::BTreeSet;

/// The images that the stages of a Dockerfile begin with and that come from an engine or a registry. A name that
/// contains a build argument is not known before the build.
pub(super) fn bases(dockerfile: &str) -> BTreeSet<String> {
    let mut stages = BTreeSet::from(["scratch".to_owned()]);
    let mut bases = BTreeSet::new();
    for line in dockerfile.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("from")) {
            continue;
        }
        let mut words = words.filter(|word| !word.starts_with("--"));
        let Some(base) = words.next() else { continue };
        if !stages.contains(&base.to_ascii_lowercase()) && !base.contains('$') {
            bases.insert(base.to_owned());
        }
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("as")) {
            stages.extend(words.next().map(str::to_ascii_lowercase));
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_arguments_are_no_images() {
        let dockerfile = "ARG GO=1.23\n# FROM comment\nFROM --platform=linux/amd64 golang:1.23 AS build\nRUN from nothing\n\
                          from ${BASE}\nFROM Build as second\nFROM scratch\nCOPY --from=build /a /a\nFROM ghcr.io/a/b\n";
        assert_eq!(bases(dockerfile), ["ghcr.io/a/b", "golang:1.23"].map(str::to_owned).into());
    }
}
