//! The values for the chart, and the fingerprint of the result.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Fingerprint, PodImage, helm::Chart};

/// The values that differ from the chart's own. The image of the components runs any of them, by its first argument.
pub(super) fn values(image: &PodImage) -> Value {
    let [repository, tag, digest] = image.parts();
    json!({
        "image": { "repository": repository, "tag": tag, "digest": digest, "pullPolicy": image.policy.as_str() },
        "args": ["operator"],
        // The first probe comes while the operator still lists objects; trials wait for the second. The total patience
        // is that of the chart.
        "probes": { "readiness": { "periodSeconds": 1, "failureThreshold": 6 } },
    })
}

/// The same for operators that are alike: of the same chart, with the same values, and so of the same image, whose name
/// holds its digest.
pub(super) fn fingerprint(chart: Chart, values: &Value) -> Fingerprint {
    // The version of what the harness itself does to an operator; raise it when that changes.
    let text = json!({ "made": 1, "chart": chart.digest(), "values": values }).to_string();
    Fingerprint::of_digest(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use hourglass_image::PullPolicy;

    use super::*;

    /// Otherwise a trial would use the operator of an earlier build.
    #[test]
    fn any_difference_changes_the_fingerprint() {
        let image = |reference: &str, policy| PodImage { reference: reference.to_owned(), policy };
        let of = |chart, image: &PodImage| fingerprint(chart, &values(image));
        let plain = image("components:1", PullPolicy::Never);
        assert_eq!(of(Chart::OPERATOR, &plain), of(Chart::OPERATOR, &plain.clone()));
        let mut all = vec![
            of(Chart::OPERATOR, &plain),
            of(Chart::OPERATOR, &image("components:2", PullPolicy::Never)),
            of(Chart::OPERATOR, &image("components:1", PullPolicy::IfNotPresent)),
            of(Chart::EXECUTOR, &plain),
        ];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }
}
