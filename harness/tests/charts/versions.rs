//! The versions of the charts.

use std::fs;

use serde_yaml::Value;

use crate::helm::Chart;

/// The default tag of the image is the chart's appVersion: an outdated chart would install an image that does not
/// exist.
pub(crate) fn chart_version_is_that_of_the_installed_image() {
    for chart in [Chart::Operator, Chart::Executor] {
        let text = fs::read_to_string(chart.folder().join("Chart.yaml")).unwrap();
        let about: Value = serde_yaml::from_str(&text).unwrap();
        let version = |key: &str| about[key].as_str().unwrap().to_owned();
        assert_eq!(about["name"], chart.name());
        assert_eq!([version("version"), version("appVersion")], [env!("CARGO_PKG_VERSION"); 2], "{}", chart.name());
    }
}
