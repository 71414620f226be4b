//! What must not leave the machine: keys of the accounts that act in a trial, and what configurations hold as secrets.
//!
//! The configurations of components in a trial's folder are without keys once the trial has ended; those of a trial that
//! was kept or killed have them. Components may write their keys anywhere, so that every file is searched.

use std::{collections::BTreeSet, fs, path::Path};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hourglass_chain::{AccountSecret, Accounts};
use serde_yaml::Value;

/// Replaces a secret.
const HIDDEN: &[u8] = b"(left out)";
/// The key that every Anvil has for its own account and prints. It is public, and programs that look for leaked keys report
/// it.
const OF_ANVIL: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// A shorter value of a variable may stand anywhere by chance.
const SHORTEST: usize = 8;
/// Configurations are smaller than this, in bytes.
const LARGEST: u64 = 1 << 20;
/// A key, a variable or a field whose name contains one of these has a secret value.
const NAMES: [&str; 9] =
    ["privatekey", "private_key", "secret", "token", "password", "passwd", "credential", "mnemonic", "api_key"];
/// What begins a secret, and what ends it.
const BLOCKS: [(&str, &str); 7] = [
    ("-----BEGIN PRIVATE KEY-----", "-----END"),
    ("-----BEGIN EC PRIVATE KEY-----", "-----END"),
    ("-----BEGIN RSA PRIVATE KEY-----", "-----END"),
    ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----END"),
    ("client-key-data:", "\n"),
    ("\"client-key-data\":", "\n"),
];

/// Secrets of a trial.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// Finds secrets that are known.
    known: Option<AhoCorasick>,
    /// Finds the beginnings of [`BLOCKS`].
    blocks: Option<AhoCorasick>,
}

impl Secrets {
    /// Those of a trial with this folder.
    pub(crate) fn of_trial(folder: &Path) -> Self {
        let mut found = BTreeSet::from([OF_ANVIL.to_owned()]);
        let documents = documents(folder);
        for (_, document) in &documents {
            collect(document, &mut found);
        }
        let scenario = documents.iter().find(|(name, _)| name == "scenario.yaml").map(|(_, document)| document);
        if let Ok(secret) = AccountSecret::of_user() {
            found.extend(accounts(&secret, scenario.unwrap_or(&Value::Null)));
        }
        Self::of(found)
    }

    /// These texts; a text of hexadecimal digits also as bytes.
    pub(crate) fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let forms: BTreeSet<_> = texts.into_iter().flat_map(|text| forms(&text)).collect();
        // Too many or too large patterns would be an error; there are some hundreds.
        Self {
            known: AhoCorasick::builder().ascii_case_insensitive(true).build(forms).ok(),
            blocks: AhoCorasick::new(BLOCKS.map(|(begin, _)| begin)).ok(),
        }
    }

    /// The content without them.
    pub(crate) fn redacted(&self, mut content: Vec<u8>) -> Vec<u8> {
        if let Some(finder) = self.known.as_ref().filter(|finder| finder.is_match(&content)) {
            content = finder.replace_all_bytes(&content, &vec![HIDDEN; finder.patterns_len()]);
        }
        match &self.blocks {
            Some(finder) if finder.is_match(&content) => without_blocks(&content, finder),
            _ => content,
        }
    }
}

/// The documents directly in the folder: the configurations of components, and the scenario.
fn documents(folder: &Path) -> Vec<(String, Value)> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let documents = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let is_document = [".yaml", ".json"].iter().any(|ending| name.ends_with(ending));
        let is_small = entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
        let text = (is_document && is_small).then(|| fs::read_to_string(entry.path()).ok())??;
        // JSON is YAML.
        Some((name, serde_yaml::from_str(&text).ok()?))
    });
    documents.collect()
}

/// The values of keys, and of variables, that are secret by their names.
fn collect(document: &Value, found: &mut BTreeSet<String>) {
    match document {
        Value::Mapping(section) => {
            if let (Some(Value::String(name)), Some(value)) = (section.get("name"), section.get("value")) {
                add(name, value, found);
            }
            for (name, value) in section {
                if let Value::String(name) = name {
                    add(name, value, found);
                }
                collect(value, found);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn add(name: &str, value: &Value, found: &mut BTreeSet<String>) {
    let name = name.to_ascii_lowercase();
    if let Value::String(value) = value
        && NAMES.iter().any(|secret| name.contains(secret))
        && value.len() >= SHORTEST
        && value.as_bytes() != HIDDEN
    {
        found.insert(value.clone());
    }
}

/// The keys of all accounts of a scenario.
fn accounts(secret: &AccountSecret, scenario: &Value) -> Vec<String> {
    let names_in = |list: Option<&'_ Value>| -> Vec<String> {
        let entries = list.and_then(Value::as_sequence).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.get("name")?.as_str()?.to_owned())).collect()
    };
    let topology = scenario.get("topology");
    let avss = topology.and_then(|topology| topology.get("avss"));
    let of_avss = avss.and_then(Value::as_sequence).into_iter().flatten();
    let mut operators: Vec<_> = of_avss.flat_map(|avs| names_in(avs.get("operators"))).collect();
    operators.extend(names_in(topology.and_then(|topology| topology.get("operators"))));
    // The operator of a scenario that names none, and of a trial that has not written its scenario.
    operators.push("operator".to_owned());
    let further = names_in(avss);
    let all = Accounts::derive(secret, operators.iter().map(String::as_str));
    let all = all.with_avss(secret, further.iter().map(String::as_str));
    let keys = [&all.deployer, &all.avs, &all.app, &all.aggregator]
        .into_iter()
        .chain(all.operators.iter().map(|operator| &operator.key))
        .chain(
            all.further_avss
                .iter()
                .flat_map(|avs| [&avs.key, &avs.aggregator_signing_key].into_iter().chain(&avs.signing_keys)),
        );
    keys.map(hourglass_component::keys::EcdsaKey::to_hex).collect()
}

/// The ways in which a secret may be written: as it is, in base64 at each of its three positions, and if it is hexadecimal,
/// also its bytes in base64 and its digits without 0x.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let bare = text.trim().trim_start_matches("0x");
    let mut forms = vec![bare.as_bytes().to_vec()];
    forms.extend(in_base64(bare.as_bytes()));
    if let Ok(bytes) = hex::decode(bare) {
        forms.extend(in_base64(&bytes));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// The characters that the bytes make for certain, wherever they stand in what is encoded.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let at = |before: usize| {
        let encoded = STANDARD.encode([&vec![0; before][..], bytes].concat());
        let encoded = encoded.trim_end_matches('=');
        // A character has six bits; the first ones and the last one may have bits of neighbours.
        let (begin, end) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
        encoded.as_bytes().get(begin..end.min(encoded.len())).unwrap_or_default().to_vec()
    };
    (0..3).map(at).collect()
}

/// The content without what stands between the beginning and the end of a block; one without an end goes on to the end.
fn without_blocks(content: &[u8], begins: &AhoCorasick) -> Vec<u8> {
    let (mut kept, mut rest) = (Vec::with_capacity(content.len()), content);
    while let Some(begin) = begins.find(rest) {
        let end = BLOCKS[begin.pattern().as_usize()].1.as_bytes();
        let (before, inside) = rest.split_at(begin.end());
        kept.extend_from_slice(before);
        kept.extend_from_slice(HIDDEN);
        let length = inside.windows(end.len()).position(|window| window == end);
        rest = &inside[length.unwrap_or(inside.len())..];
    }
    kept.extend_from_slice(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

    fn redacted(secrets: &Secrets, text: &str) -> String {
        String::from_utf8(secrets.redacted(text.as_bytes().to_vec())).unwrap()
    }

    #[rstest::rstest]
    #[case::hexadecimal(KEY.to_owned())]
    #[case::with_prefix(format!("0x{KEY}"))]
    #[case::in_capitals(KEY.to_uppercase())]
    #[case::bytes_in_base64(STANDARD.encode(hex::decode(KEY).unwrap()))]
    #[case::text_in_base64(STANDARD.encode(KEY))]
    #[case::in_an_encoded_document(STANDARD.encode(format!("{{\"privateKey\": \"0x{KEY}\"}}")))]
    #[case::in_an_encoded_document_one_later(STANDARD.encode(format!("{{\"privateKey\":  \"0x{KEY}\"}}")))]
    #[case::in_an_encoded_document_two_later(STANDARD.encode(format!("{{\"privateKey\":   \"0x{KEY}\"}}")))]
    fn a_key_is_found_in_every_form(#[case] written: String) {
        let secrets = Secrets::of([format!("0x{KEY}")]);
        let text = redacted(&secrets, &format!("before {written} after"));
        assert!(text.starts_with("before ") && text.ends_with(" after") && text.contains("(left out)"), "{text}");
        let rest = text.replace("(left out)", "");
        assert!(rest.len() < "before  after".len() + written.len() - 40, "much of it is left: {rest}");
    }

    /// The configurations of a trial that runs have keys, which may stand in logs as well.
    #[test]
    fn secrets_of_configurations_are_secrets_in_every_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            r#"{{"operator": {{"operatorPrivateKey": {{"privateKey": "{KEY}"}}}}, "envs": [{{"name": "API_TOKEN", "value": "open-sesame"}}, {{"name": "MODE", "value": "plain-mode"}}]}}"#
        );
        fs::write(folder.path().join("executor-a.yaml"), &config).unwrap();
        let secrets = Secrets::of_trial(folder.path());
        let text = redacted(&secrets, &format!("{config} open-sesame plain-mode"));
        assert!(!text.contains(KEY) && !text.contains("open-sesame") && text.contains("plain-mode"), "{text}");
    }

    #[test]
    fn private_keys_of_certificates_and_kubeconfigs_are_removed() {
        let text = "a\n-----BEGIN EC PRIVATE KEY-----\nMHcC\nAQ==\n-----END EC PRIVATE KEY-----\nb\n  client-key-data: TFMw\nc\n";
        let redacted = redacted(&Secrets::of([]), text);
        assert!(!redacted.contains("MHcC") && !redacted.contains("TFMw"), "{redacted}");
        assert!(redacted.contains("\nb\n") && redacted.ends_with("\nc\n"), "{redacted}");
    }
}
