//! Whether an engine can run privileged containers.

use bollard::models::SystemInfo;
use hourglass_base::{Check, Topic};

use super::{CLUSTERS, programs::parts};
use crate::{EngineFacts, setup::WRAPPER};

const PRIVILEGED: Topic = Topic { name: "privileged-containers", needed_by: CLUSTERS };

/// From this version on, an engine leaves out the capabilities that its own process lacks (moby's `oci/caps`).
const LEAVES_OUT: u64 = 23;

/// Whether an engine can run privileged containers, such as kind's nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Privileged {
    /// Nothing prevents it.
    Possible,
    /// These capabilities are missing, and the engine leaves them out itself.
    LeftOut(String),
    /// These capabilities are missing, and the wrapper leaves them out.
    Wrapped(String),
    /// The engine requests these capabilities and cannot get them.
    Impossible(String),
    /// The engine's process is not visible from here.
    Unknown,
}

/// What the bounding set of an engine's process means for privileged containers.
pub(crate) fn privileged(facts: &EngineFacts) -> Privileged {
    let Some(bounding) = &facts.bounding else { return Privileged::Unknown };
    if bounding.is_full() {
        return Privileged::Possible;
    }
    let lacking = bounding.list();
    if parts(&facts.version).first().is_some_and(|major| *major >= LEAVES_OUT) {
        return Privileged::LeftOut(lacking);
    }
    if uses_wrapper(&facts.info) { Privileged::Wrapped(lacking) } else { Privileged::Impossible(lacking) }
}

fn uses_wrapper(info: &SystemInfo) -> bool {
    let runtime = info.default_runtime.as_ref().and_then(|name| info.runtimes.as_ref()?.get(name));
    runtime.and_then(|runtime| runtime.path.as_deref()) == Some(WRAPPER)
}

pub(super) fn privileged_containers(facts: &EngineFacts) -> Check {
    match privileged(facts) {
        Privileged::Possible => PRIVILEGED.ok("possible"),
        Privileged::LeftOut(lacking) => {
            PRIVILEGED.ok(format!("possible; without {lacking}, which the engine leaves out"))
        }
        Privileged::Wrapped(lacking) => {
            PRIVILEGED.ok(format!("possible; without {lacking}, which {WRAPPER} leaves out"))
        }
        Privileged::Impossible(lacking) => PRIVILEGED.missing(
            format!("not possible: the engine's bounding set lacks {lacking}, and it asks for all there are"),
            "`sudo harness setup docker` makes it leave out what it cannot have",
        ),
        Privileged::Unknown => {
            PRIVILEGED.ok("not known: the engine's process cannot be seen from here; a Kubernetes node will tell")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::Runtime;
    use hourglass_base::Verdict;
    use hourglass_engine::EngineAddress;

    use super::*;
    use crate::Bounding;

    /// An engine with this default runtime, and with this capability missing.
    fn facts(version: &str, runtime: &str, missing: Option<&[&str]>) -> EngineFacts {
        let runtimes = [("runc", "runc"), ("bounded", WRAPPER), ("other", "/opt/other")]
            .map(|(name, path)| (name.to_owned(), Runtime { path: Some(path.to_owned()), ..Runtime::default() }));
        let info = SystemInfo {
            runtimes: Some(HashMap::from(runtimes)),
            default_runtime: Some(runtime.to_owned()),
            ..SystemInfo::default()
        };
        let missing = missing.map(|names| Bounding { missing: names.iter().map(|name| (*name).to_owned()).collect() });
        let address = EngineAddress::Socket("/var/run/docker.sock".into());
        EngineFacts { address, version: version.to_owned(), info, bounding: missing, space: None, ahead: None }
    }

    const LACKING: Option<&[&str]> = Some(&["CAP_SYS_RESOURCE"]);

    #[rstest::rstest]
    #[case::full(facts("20.10.24", "runc", Some(&[])), Verdict::Ok, "possible")]
    #[case::lacking(facts("20.10.24", "runc", LACKING), Verdict::Missing, "lacks CAP_SYS_RESOURCE")]
    #[case::another_runtime(facts("20.10.24", "other", LACKING), Verdict::Missing, "lacks CAP_SYS_RESOURCE")]
    #[case::wrapped(facts("20.10.24", "bounded", LACKING), Verdict::Ok, "runc-bounded leaves out")]
    #[case::newer(facts("28.2.2", "runc", LACKING), Verdict::Ok, "the engine leaves out")]
    #[case::unseen(facts("20.10.24", "runc", None), Verdict::Ok, "not known")]
    fn capabilities_decide_about_privileged_containers(
        #[case] facts: EngineFacts,
        #[case] verdict: Verdict,
        #[case] says: &str,
    ) {
        let check = privileged_containers(&facts);
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.finding.contains(says), "{check:?}");
        assert_eq!(check.remedy.is_some(), verdict == Verdict::Missing);
    }
}
