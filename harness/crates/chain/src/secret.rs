//! The secret for the keys of a user's trials: created once, kept in the user's cache.
//!
//! Only the user may read it. Its reader has the keys of every operator, and with them access to the management
//! services of the executors, which start programs.

use std::{
    fmt,
    fs::File,
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use hourglass_base::{cache::cache_folder, private};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::messages;
use rand::RngCore as _;

use super::SetupError;

/// Its file in the cache: 64 hexadecimal digits and a line feed.
const FILE: &str = "account-secret";
/// The permissions that the file must not have: any for the group or for others.
const FOR_OTHERS: u32 = 0o077;

/// 32 random bytes, from which the keys of all accounts are derived.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountSecret([u8; 32]);

impl AccountSecret {
    /// These bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret in the cache of this user; the first caller creates it.
    pub fn of_user() -> Result<Self, SetupError> {
        Self::in_cache(&cache_folder()?)
    }

    /// Does the same as [`Self::of_user`] with another cache folder. If several processes create one at once, all get
    /// the same.
    pub fn in_cache(cache: &Path) -> Result<Self, SetupError> {
        let path = cache.join(FILE);
        match read(&path)? {
            Some(secret) => Ok(secret),
            None => make(cache, &path),
        }
    }

    /// The key of the account `name`.
    pub fn key(&self, name: &str) -> EcdsaKey {
        let digest = messages::hash(&[b"hourglass-harness/account/", &self.0[..], b"/", name.as_bytes()].concat());
        #[expect(
            clippy::expect_used,
            reason = "a digest is no key only if it is zero or above the group order: one in 2^127 names"
        )]
        EcdsaKey::from_hex(&format!("{digest:x}")).expect("a digest is a key")
    }
}

impl fmt::Debug for AccountSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccountSecret(…)")
    }
}

/// The secret in a file; `None` if the file does not exist.
fn read(path: &Path) -> Result<Option<AccountSecret>, SetupError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SetupError::file(path)(error)),
    };
    let metadata = file.metadata().map_err(SetupError::file(path))?;
    let unusable = |reason: String| SetupError::Secret { path: path.to_owned(), reason };
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own {
        return Err(unusable(format!("it belongs to user {}, and this is user {own}", metadata.uid())));
    }
    if metadata.mode() & FOR_OTHERS != 0 {
        return Err(unusable(format!("its mode is {:o}, so that other users have it", metadata.mode() & 0o777)));
    }
    let text = io::read_to_string(file).map_err(SetupError::file(path))?;
    let mut bytes = [0; 32];
    // The invalid content is not shown: it may be most of a secret.
    hex::decode_to_slice(text.trim(), &mut bytes)
        .map_err(|_| unusable("it does not hold 64 hexadecimal digits".to_owned()))?;
    Ok(Some(AccountSecret(bytes)))
}

/// Creates a secret, which appears in its place whole; if another process was first, its secret is used.
fn make(cache: &Path, path: &Path) -> Result<AccountSecret, SetupError> {
    private::create_folders(cache).map_err(SetupError::file(cache))?;
    let mut secret = AccountSecret([0; 32]);
    rand::rng().fill_bytes(&mut secret.0);
    // The file has permissions for its owner alone from the start.
    let mut aside = tempfile::Builder::new().prefix(FILE).tempfile_in(cache).map_err(SetupError::file(cache))?;
    writeln!(aside, "{}", hex::encode(secret.0)).map_err(SetupError::file(aside.path()))?;
    aside.as_file().sync_all().map_err(SetupError::file(aside.path()))?;
    match aside.persist_noclobber(path) {
        Ok(_) => Ok(secret),
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
            let gone = || SetupError::file(path)(io::ErrorKind::NotFound.into());
            read(path)?.ok_or_else(gone)
        }
        Err(failed) => Err(SetupError::file(path)(failed.error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
        thread,
    };

    use super::*;

    #[test]
    fn a_secret_is_created_once_and_accessible_only_to_its_owner() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("cache");
        let first = AccountSecret::in_cache(&folder).unwrap();
        assert_eq!(AccountSecret::in_cache(&folder).unwrap(), first);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
        let other = AccountSecret::in_cache(cache.path()).unwrap();
        assert_ne!(other, first, "each cache has its own");
        assert_ne!(other.key("avs").address(), first.key("avs").address());
        assert!(!format!("{first:?}").contains(&hex::encode(first.0)));
    }

    /// Otherwise two concurrent runs would prepare states and start operators with keys that do not match.
    #[test]
    fn concurrent_callers_get_the_same_secret() {
        let cache = tempfile::tempdir().unwrap();
        let secrets: Vec<_> = thread::scope(|scope| {
            let making: Vec<_> = (0..16).map(|_| scope.spawn(|| AccountSecret::in_cache(cache.path()))).collect();
            making.into_iter().map(|made| made.join().unwrap().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_secret_that_others_can_access_is_refused() {
        let cache = tempfile::tempdir().unwrap();
        AccountSecret::in_cache(cache.path()).unwrap();
        let path = cache.path().join(FILE);
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = AccountSecret::in_cache(cache.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("its mode is {mode:o}")), "{error}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "cafe\n").unwrap();
        let error = AccountSecret::in_cache(cache.path()).unwrap_err().to_string();
        assert!(error.contains("64 hexadecimal digits") && !error.contains("cafe"), "{error}");
    }
}
