//! The arguments that constructors of the public contracts have here, in release 1.8.1.

use hourglass_component::chain::Artifact;

/// The first arguments of the constructor of each contract, with their types. Releases before 1.8 have no version.
const DEFAULTS: &[(&str, &[(&str, &str)])] = &[
    (
        "task_mailbox",
        &[
            ("address", "bn254_certificate_verifier"),
            ("address", "ecdsa_certificate_verifier"),
            ("uint96", "604800"),
            VERSION,
        ],
    ),
    ("ecdsa_certificate_verifier", &[("address", "operator_table_updater"), VERSION]),
    ("bn254_certificate_verifier", &[("address", "operator_table_updater"), VERSION]),
    (
        "operator_table_updater",
        &[("address", "bn254_certificate_verifier"), ("address", "ecdsa_certificate_verifier"), PAUSER, VERSION],
    ),
    (
        "allocation_manager",
        &[
            ("address", "delegation_manager"),
            NOTHING,
            PAUSER,
            ("address", "permission_controller"),
            ("uint32", "10"),
            ("uint32", "0"),
            VERSION,
        ],
    ),
    (
        "delegation_manager",
        &[
            ("address", "strategy_manager"),
            NOTHING,
            ("address", "allocation_manager"),
            PAUSER,
            ("address", "permission_controller"),
            ("uint32", "10"),
            VERSION,
        ],
    ),
    ("strategy_manager", &[("address", "allocation_manager"), ("address", "delegation_manager"), PAUSER, VERSION]),
    ("key_registrar", &[("address", "permission_controller"), ("address", "allocation_manager"), VERSION]),
    (
        "cross_chain_registry",
        &[
            ("address", "allocation_manager"),
            ("address", "key_registrar"),
            ("address", "permission_controller"),
            PAUSER,
            VERSION,
        ],
    ),
    ("permission_controller", &[VERSION]),
    ("release_manager", &[("address", "permission_controller"), VERSION]),
    ("earlier_release_manager", &[("address", "permission_controller"), VERSION]),
];
const VERSION: (&str, &str) = ("string", "1.8.1");
/// There is no registry of pausers: a contract may not have zero as one, and asks it only when somebody pauses.
const PAUSER: (&str, &str) = ("address", "deployer");
/// What there is not here: the token EIGEN, and pods of native ETH.
const NOTHING: (&str, &str) = ("address", "0x0000000000000000000000000000000000000000");

/// The arguments for a constructor in place of that of the contract `name`, if its types are the first ones of that or none.
pub(super) fn of(name: &str, compiled: &Artifact) -> Option<Vec<String>> {
    let known = DEFAULTS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, args)| *args);
    let constructor = compiled.constructor();
    let fits = |count: &usize| {
        let types: Vec<_> = known[..*count].iter().map(|(kind, _)| *kind).collect();
        format!("({})", types.join(",")) == constructor
    };
    let count = (0..=known.len()).find(fits)?;
    Some(known[..count].iter().map(|(_, value)| (*value).to_owned()).collect())
}
