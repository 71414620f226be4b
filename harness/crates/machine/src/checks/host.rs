//! Disk, memory, limits, clock, and leftovers of earlier runs.

use bytesize::ByteSize;
use hourglass_base::{Check, Topic};
use jiff::SignedDuration;

use super::{ALL, CLUSTERS, NONE};
use crate::{Clock, Inotify, Known, Leftovers, Space};

const CACHE: Topic = Topic { name: "disk-cache", needed_by: ALL };
const MEMORY: Topic = Topic { name: "memory", needed_by: ALL };
const INOTIFY: Topic = Topic { name: "inotify", needed_by: CLUSTERS };
const OPEN_FILES: Topic = Topic { name: "open-files", needed_by: ALL };
const CLOCK: Topic = Topic { name: "clock", needed_by: ALL };
const LEFTOVERS: Topic = Topic { name: "leftovers", needed_by: NONE };

/// Anvil, the prepared states of its chains and an image together need less than this.
const CACHE_NEEDED: u64 = 256 << 20;
const CACHE_ENOUGH: u64 = 1 << 30;
/// Two chains and the components of the smallest topology.
const MEMORY_NEEDED: u64 = 256 << 20;
const MEMORY_ENOUGH: u64 = 1 << 30;
/// The value that kind recommends among its known issues: a node watches its own files and those of every pod.
const INOTIFY_INSTANCES: u64 = 512;
const INOTIFY_WATCHES: u64 = 524_288;
/// A trial holds some tens of files and connections open, and trials run concurrently.
const OPEN_FILES_ENOUGH: u64 = 1024;
/// An earlier clock is wrong, since the harness did not exist then, and chains count seconds in types that overflow.
const YEARS: std::ops::RangeInclusive<i16> = 2025..=2105;
const JUMP: SignedDuration = SignedDuration::from_secs(1);

pub(super) fn cache(space: &Known<Space>) -> Check {
    disk(CACHE, space, CACHE_NEEDED, CACHE_ENOUGH, "free space there, or name another folder with HARNESS_CACHE")
}

pub(super) fn disk(topic: Topic, space: &Known<Space>, needed: u64, enough: u64, remedy: &str) -> Check {
    let space = match space {
        Ok(space) => space,
        Err(unknown) => return topic.unknown(unknown),
    };
    let finding = format!("{} free below {}", ByteSize(space.free), space.folder.display());
    match space.free {
        free if free < needed => topic.missing(format!("{finding}; {} are needed", ByteSize(needed)), remedy),
        free if free < enough => topic.warning(finding, remedy),
        _ => topic.ok(finding),
    }
}

pub(super) fn memory(available: &Known<u64>) -> Check {
    let available = match available {
        Ok(available) => *available,
        Err(unknown) => return MEMORY.unknown(unknown),
    };
    let finding = format!("{} available", ByteSize(available));
    match available {
        available if available < MEMORY_NEEDED => MEMORY.missing(
            format!("{finding}; {} are needed", ByteSize(MEMORY_NEEDED)),
            "end what uses memory, or give the machine more",
        ),
        available if available < MEMORY_ENOUGH => MEMORY.warning(finding, "run few trials at once (`--jobs 1`)"),
        _ => MEMORY.ok(finding),
    }
}

pub(super) fn inotify(limits: &Known<Inotify>) -> Check {
    let limits = match limits {
        Ok(limits) => limits,
        Err(unknown) => return INOTIFY.unknown(unknown),
    };
    let finding = format!("{} instances, {} watches a user", limits.instances, limits.watches);
    let wanted = [("instances", limits.instances, INOTIFY_INSTANCES), ("watches", limits.watches, INOTIFY_WATCHES)];
    let low = wanted.iter().filter(|(_, found, wanted)| found < wanted);
    let settings: Vec<_> = low.map(|(name, _, wanted)| format!("fs.inotify.max_user_{name}={wanted}")).collect();
    if settings.is_empty() {
        return INOTIFY.ok(finding);
    }
    INOTIFY.warning(
        format!("{finding}: few for a Kubernetes node or for many trials at once"),
        format!("`sudo sysctl {}`, and the same in /etc/sysctl.d to keep it", settings.join(" ")),
    )
}

pub(super) fn open_files(limit: Option<u64>) -> Check {
    match limit {
        None => OPEN_FILES.ok("no limit"),
        Some(limit) if limit < OPEN_FILES_ENOUGH => OPEN_FILES.warning(
            format!("{limit} a process: few for trials side by side"),
            format!("`ulimit -n {}` before the harness is started", 4 * OPEN_FILES_ENOUGH),
        ),
        Some(limit) => OPEN_FILES.ok(format!("{limit} a process")),
    }
}

pub(super) fn clock(clock: Clock) -> Check {
    let shown = clock.now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let year = clock.now.to_zoned(jiff::tz::TimeZone::UTC).year();
    if !YEARS.contains(&year) {
        return CLOCK.missing(
            format!("{shown} cannot be: chains begin at this time, and certificates are not valid then"),
            "set the clock, or let a time service set it",
        );
    }
    if clock.jumped.abs() > JUMP {
        return CLOCK.warning(
            format!("{shown}; it was set by {:#} while it was looked at", clock.jumped),
            "wait until the time service has set it",
        );
    }
    CLOCK.ok(shown)
}

/// Folders are evidence and only take space; what still runs takes memory, processors and addresses from the next
/// trial.
pub(super) fn leftovers(leftovers: &Known<Leftovers>) -> Check {
    let Leftovers { folders, things } = match leftovers {
        Ok(leftovers) => *leftovers,
        Err(unknown) => return LEFTOVERS.unknown(unknown),
    };
    let counted = |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    let folders = counted(folders, "folder of a trial", "folders of trials");
    if things == 0 {
        return LEFTOVERS.ok(format!("nothing runs; {folders}"));
    }
    let things =
        counted(things, "process, container, network or volume", "processes, containers, networks and volumes");
    LEFTOVERS.warning(
        format!("{things} of trials that nobody is at; {folders}"),
        "`harness gc --dry-run` lists them, `harness gc` ends them",
    )
}

#[cfg(test)]
mod tests {
    use Verdict::{Missing, Ok as Fine, Warning};
    use hourglass_base::Verdict;
    use jiff::Timestamp;

    use super::*;
    use crate::Unknown;

    const MIB: u64 = 1 << 20;

    #[expect(clippy::unnecessary_wraps, reason = "what is judged may be unknown")]
    fn space(mebibytes: u64) -> Known<Space> {
        Ok(Space { folder: "/var/cache".into(), free: mebibytes * MIB })
    }

    fn at(time: &str, jumped: i64) -> Clock {
        Clock { now: time.parse::<Timestamp>().unwrap(), jumped: SignedDuration::from_secs(jumped) }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what is judged may be unknown")]
    fn left(folders: usize, things: usize) -> Known<Leftovers> {
        Ok(Leftovers { folders, things })
    }

    #[expect(clippy::unnecessary_wraps, reason = "what is judged may be unknown")]
    fn limits(instances: u64, watches: u64) -> Known<Inotify> {
        Ok(Inotify { instances, watches })
    }

    #[rstest::rstest]
    #[case::no_disk(cache(&space(255)), Missing, "255.0 MiB free below /var/cache; 256.0 MiB are needed")]
    #[case::little_disk(cache(&space(256)), Warning, "256.0 MiB free")]
    #[case::disk(cache(&space(1024)), Fine, "1.0 GiB free below /var/cache")]
    #[case::no_answer(cache(&Err(Unknown::Late(std::time::Duration::from_secs(5)))), Warning, "no answer within 5s")]
    #[case::no_memory(memory(&Ok(255 * MIB)), Missing, "255.0 MiB available")]
    #[case::little_memory(memory(&Ok(1023 * MIB)), Warning, "1023.0 MiB available")]
    #[case::memory(memory(&Ok(1024 * MIB)), Fine, "1.0 GiB available")]
    #[case::few_instances(inotify(&limits(128, 524_288)), Warning, "128 instances")]
    #[case::few_watches(inotify(&limits(512, 8192)), Warning, "8192 watches")]
    #[case::inotify(inotify(&limits(512, 524_288)), Fine, "512 instances")]
    #[case::few_files(open_files(Some(256)), Warning, "256 a process")]
    #[case::files(open_files(Some(1024)), Fine, "1024 a process")]
    #[case::no_limit(open_files(None), Fine, "no limit")]
    #[case::clock(clock(at("2026-05-04T03:02:01Z", 0)), Fine, "2026-05-04 03:02:01 UTC")]
    #[case::clock_at_its_epoch(clock(at("1970-01-01T00:03:00Z", 0)), Missing, "1970-01-01 00:03:00 UTC cannot be")]
    #[case::clock_that_is_set(clock(at("2026-05-04T03:02:01Z", -90)), Warning, "set by")]
    #[case::nothing_left(leftovers(&left(0, 0)), Fine, "nothing runs; 0 folders of trials")]
    #[case::evidence(leftovers(&left(1, 0)), Fine, "nothing runs; 1 folder of a trial")]
    #[case::leftovers(leftovers(&left(2, 1)), Warning, "1 process, container, network or volume of trials that nobody is at; 2 folders")]
    fn each_host_finding_has_its_verdict(#[case] check: Check, #[case] verdict: Verdict, #[case] says: &str) {
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.finding.contains(says), "{check:?}");
        let unknown = check.finding.starts_with("not known");
        assert_eq!(check.remedy.is_none(), verdict == Fine || unknown, "a finding without a remedy: {check:?}");
    }

    /// The command can be copied as it stands, and changes only the limits that are too low.
    #[test]
    fn the_remedy_raises_only_low_limits() {
        let remedy = inotify(&limits(128, 1_000_000)).remedy.unwrap();
        assert!(remedy.starts_with("`sudo sysctl fs.inotify.max_user_instances=512`"), "{remedy}");
    }
}
