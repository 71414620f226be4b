//! A headless Chromium: each call has its own profile, and a deadline.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use hourglass_test_support::{block_on, within};
use serde_json::Value;
use tokio::process::Command;

/// The names of the browser in distributions.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// How long the browser may take for a page.
const LIMIT: Duration = Duration::from_mins(2);
/// The element in which an injected script leaves its result.
const RESULT: &str = "test-result";

/// The colours that a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// Why the tests cannot run here.
pub(crate) fn missing() -> Option<String> {
    if find().is_none() {
        return Some("there is no chromium".to_owned());
    }
    (!axe().exists()).then(|| "there is no axe-core; `npm ci` in harness/tests/html installs it".to_owned())
}

/// The messages on the console while the page as it is was loaded.
pub(crate) fn console(page: &Path) -> Vec<String> {
    let (_, messages) = run(page, Scheme::Light, &["--dump-dom"]);
    messages
}

/// Keeps a picture of the page below the target folder.
pub(crate) fn picture(page: &Path, name: &str, scheme: Scheme, size: (u32, u32)) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("html");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{name}.png"));
    let (shot, size) = (format!("--screenshot={}", file.display()), format!("--window-size={},{}", size.0, size.1));
    run(page, scheme, &[&shot, &size, "--hide-scrollbars"]);
    assert!(fs::metadata(&file).unwrap().len() > 5_000, "the picture {} is empty", file.display());
}

/// The value of a JavaScript expression, or of the promise that it gives, in a copy of the page without the policy that
/// forbids other scripts.
pub(crate) fn evaluate(page: &Path, scheme: Scheme, prelude: &str, expression: &str) -> Value {
    let original = fs::read_to_string(page).unwrap();
    let (before, rest) = original.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let (_, after) = rest.split_once('>').unwrap();
    let script = format!(
        "<script>{prelude}</script><script>Promise.resolve().then(() => ({expression})).catch(String).then((value) => {{
           const result = document.createElement('pre');
           result.id = '{RESULT}';
           const bytes = new TextEncoder().encode(JSON.stringify(value));
           result.textContent = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
           document.documentElement.replaceChildren(result);
         }});</script></body>"
    );
    let copy = page.with_extension(format!("{scheme:?}.copy.html"));
    fs::write(&copy, format!("{before}{}", after.replace("</body>", &script))).unwrap();
    let (dom, messages) = run(&copy, scheme, &["--dump-dom", "--window-size=1440,900"]);
    let result = dom.split_once(&format!("<pre id=\"{RESULT}\">")).and_then(|(_, rest)| rest.split_once("</pre>"));
    let Some((encoded, _)) = result else { panic!("no result, but {messages:?} and {dom}") };
    serde_json::from_slice(&hex::decode(encoded).unwrap()).unwrap()
}

/// The violations that axe-core finds in the page with all its details open, one line each.
pub(crate) fn accessibility(page: &Path, scheme: Scheme) -> Vec<String> {
    let axe = fs::read_to_string(axe()).unwrap();
    let expression = "(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
      return axe.run(document, { runOnly: { type: 'tag', values: tags } }).then((found) => ({
        dark: matchMedia('(prefers-color-scheme: dark)').matches,
        passes: found.passes.map((one) => one.id),
        violations: found.violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; ')),
      }));
    })()";
    let found = evaluate(page, scheme, &axe, expression);
    assert_eq!(found["dark"], scheme == Scheme::Dark, "{found}");
    let passes: Vec<_> = found["passes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for rule in ["color-contrast", "landmark-one-main", "region", "heading-order", "page-has-heading-one"] {
        assert!(passes.contains(&rule), "{rule} was not checked: {found}");
    }
    found["violations"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// What the browser writes, and the messages on its console.
fn run(page: &Path, scheme: Scheme, options: &[&str]) -> (String, Vec<String>) {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(find().unwrap());
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]);
    command.args(["--enable-logging=stderr", "--virtual-time-budget=60000"]);
    if scheme == Scheme::Dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    command.arg(format!("--user-data-dir={}", profile.path().display())).args(options);
    command.arg(format!("file://{}", page.display())).stdin(Stdio::null()).kill_on_drop(true);
    let output = block_on(async { within(LIMIT, "the end of the browser", command.output()).await }).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let messages = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), messages)
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

fn axe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/html/node_modules/axe-core/axe.min.js")
}
