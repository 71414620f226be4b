//! The addresses that public programs expect on chains 31337 and 31338.

use ethers::{providers::Middleware as _, types::Address};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{fixture::Fixture, support::send};

/// From the table that public binaries have (the first eight), and from the public devnet context 0.1.2.
const PUBLIC: [&str; 14] = [
    "0x42583067658071247ec8ce0a516a58f682002d07",
    "0xd4a7e1bd8015057293f0d0a557088c286942e84b",
    "0x59c8d715dca616e032b744a753c017c9f3e16bf4",
    "0xb99cc53e8db7018f557606c2a5b066527bf96b26",
    "0xa4db30d08d8bbca00d40600bee9f029984db162a",
    "0x287381b1570d9048c4b4c7ec94d21ddb8aa1352a",
    "0xb3cd1a457dea9a9a6f6406c6419b1c326670a96f",
    "0xff58a373c18268f483c1f5ca03cf885c0c43373a",
    "0xb02a15c6bd0882b35e9936a9579f35fb26e11476",
    "0x44632dfbdcb6d3e21ef613b0ca8a6a0c618f5a37",
    "0x2e3d6c0744b10eb0a4e6f679f71554a39ec47a5d",
    "0xacb5de6aa94a1908e6fa577c2ade65065333b450",
    "0xa19e3b00cf4ac46b5e6dc0bbb0fb0c86d0d65603",
    "0xd9cb89f1993292dec2f973934bc63b0f2a702776",
];

#[tokio::test]
async fn anvil_a_contract_stands_at_every_public_address() {
    let fixture = Fixture::start().await;
    for chain in fixture.both() {
        for address in PUBLIC {
            let address: Address = address.parse().unwrap();
            let code = chain.client().provider().get_code(address, None).await.unwrap();
            assert!(!code.is_empty(), "chain {} has nothing at {address:?}", chain.chain_id());
        }
    }
}

/// Releases are published where a program looks for them, at either address.
#[tokio::test]
async fn anvil_releases_are_published_at_both_addresses() {
    let fixture = Fixture::start().await;
    let (l1, set) = (fixture.l1(), || fixture.set.clone());
    for address in [at::RELEASE_MANAGER, at::EARLIER_RELEASE_MANAGER] {
        let releases = b::ReleaseManager::new(address, fixture.contracts.mailbox.client());
        assert_eq!(releases.get_total_releases(set()).call().await.unwrap(), 0.into(), "each has its own");
        send(l1, &fixture.accounts.avs, releases.publish_metadata_uri(set(), "https://example.org".to_owned())).await;
        let artifact = b::Artifact { digest: [7; 32], registry: "registry.example.org/performer".to_owned() };
        let release = b::Release { artifacts: vec![artifact], upgrade_by_time: 0 };
        send(l1, &fixture.accounts.avs, releases.publish_release(set(), release.clone())).await;
        assert_eq!(releases.get_latest_release(set()).call().await.unwrap(), (0.into(), release));
        assert!(releases.is_valid_release(set(), 0.into()).call().await.unwrap());
        assert_eq!(releases.get_metadata_uri(set()).call().await.unwrap(), "https://example.org");
    }
}
