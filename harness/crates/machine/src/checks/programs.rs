//! Anvil, and the program that installs it.

use hourglass_base::{Check, Topic};
use hourglass_chain::{ANVIL_VARIABLE, ANVIL_VERSION, FoundIn};

use super::{ALL, NONE};
use crate::{AnvilFacts, Known, Npm};

const ANVIL: Topic = Topic { name: "anvil", needed_by: ALL };
const NPM: Topic = Topic { name: "npm", needed_by: NONE };

pub(super) fn anvil(anvil: &Known<Option<AnvilFacts>>) -> Check {
    let anvil = match anvil {
        Ok(Some(anvil)) => anvil,
        Ok(None) => return ANVIL.missing("not found", "`harness setup anvil` installs it from npm"),
        Err(unknown) => return ANVIL.missing(unknown.to_string(), "name an Anvil that is there, or none"),
    };
    let location = format!("at {} ({})", anvil.binary.path.display(), origin(anvil.binary.found_in));
    match &anvil.version {
        Err(reason) => ANVIL.missing(
            format!("{location} does not run: {reason}"),
            format!("install one for this platform, and name it with {ANVIL_VARIABLE}"),
        ),
        Ok(version) if parts(version) < parts(ANVIL_VERSION) => ANVIL.warning(
            format!("{version} {location} is older than {ANVIL_VERSION}, with which the harness is tested"),
            "renew it (`foundryup`), or remove it and let `harness setup anvil` install one",
        ),
        Ok(version) => ANVIL.ok(format!("{version} {location}")),
    }
}

/// npm is needed only on a machine without Anvil.
pub(super) fn npm(npm: &Known<Npm>, anvil: &Known<Option<AnvilFacts>>) -> Check {
    let npm = match npm {
        Ok(npm) => npm,
        Err(unknown) => return NPM.unknown(unknown),
    };
    let lacks = match (&npm.npm, &npm.node) {
        (Some(npm), Some(node)) => return NPM.ok(format!("{}, with {}", npm.display(), node.display())),
        (Some(_), None) => "npm is there, Node.js is not",
        (None, _) => "not found",
    };
    if matches!(anvil, Ok(Some(_))) {
        return NPM.ok(format!("{lacks}; it would only be used to install Anvil, which is there"));
    }
    NPM.missing(
        format!("{lacks}, so Anvil cannot be installed with it"),
        format!(
            "install Node.js with npm, or Anvil by hand (https://getfoundry.sh), named by {ANVIL_VARIABLE} or PATH"
        ),
    )
}

pub(super) fn origin(found: FoundIn) -> String {
    match found {
        FoundIn::Flag => "--anvil".to_owned(),
        FoundIn::Environment => ANVIL_VARIABLE.to_owned(),
        FoundIn::Path => "PATH".to_owned(),
        FoundIn::Foundry => "Foundry's folder".to_owned(),
        FoundIn::Cache => "the harness's cache".to_owned(),
    }
}

/// The numbers of a version; what follows a word is left out.
pub(super) fn parts(version: &str) -> Vec<u64> {
    version.split('.').map_while(|part| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use hourglass_base::Verdict;
    use hourglass_chain::AnvilBinary;

    use super::*;
    use crate::Unknown;

    #[expect(clippy::unnecessary_wraps, reason = "what is judged may be unknown")]
    fn found(version: Result<&str, &str>) -> Known<Option<AnvilFacts>> {
        let binary = AnvilBinary { path: "/opt/anvil".into(), found_in: FoundIn::Path };
        let version = version.map(str::to_owned).map_err(str::to_owned);
        Ok(Some(AnvilFacts { binary, version }))
    }

    #[rstest::rstest]
    #[case::as_tested(found(Ok("1.7.1")), Verdict::Ok, "1.7.1 at /opt/anvil (PATH)")]
    #[case::newer(found(Ok("1.10.0")), Verdict::Ok, "1.10.0")]
    #[case::older(found(Ok("1.6.9")), Verdict::Warning, "older than 1.7.1")]
    #[case::ancient(found(Ok("0.2.0")), Verdict::Warning, "older than 1.7.1")]
    #[case::broken(found(Err("exec format error")), Verdict::Missing, "does not run: exec format error")]
    #[case::nowhere(Ok(None), Verdict::Missing, "not found")]
    #[case::misnamed(Err(Unknown::Untold("find Anvil at /x".to_owned())), Verdict::Missing, "find Anvil at /x")]
    fn each_anvil_finding_has_its_verdict(
        #[case] facts: Known<Option<AnvilFacts>>,
        #[case] verdict: Verdict,
        #[case] says: &str,
    ) {
        let check = anvil(&facts);
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.finding.contains(says), "{check:?}");
        assert_eq!(check.remedy.is_none(), verdict == Verdict::Ok, "a finding without a remedy: {check:?}");
    }

    #[rstest::rstest]
    #[case::there(true, true, false, Verdict::Ok)]
    #[case::not_needed(false, false, true, Verdict::Ok)]
    #[case::nothing(false, false, false, Verdict::Missing)]
    #[case::npm_without_node(true, false, false, Verdict::Missing)]
    fn npm_matters_only_without_anvil(
        #[case] has_npm: bool,
        #[case] has_node: bool,
        #[case] has_anvil: bool,
        #[case] verdict: Verdict,
    ) {
        let facts = Npm { npm: has_npm.then(|| "/usr/bin/npm".into()), node: has_node.then(|| "/usr/bin/node".into()) };
        let anvil = if has_anvil { found(Ok("1.7.1")) } else { Ok(None) };
        assert_eq!(npm(&Ok(facts), &anvil).verdict, verdict);
    }
}
