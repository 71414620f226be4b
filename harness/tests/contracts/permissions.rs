//! Admins and appointees, asked by contracts that act on behalf of an account.

use ethers::contract::EthCall as _;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::Fixture,
    support::{revert, send},
};

const REFUSED: Option<&str> = Some("InvalidPermissions");

#[tokio::test]
async fn anvil_an_appointee_may_call_the_one_function() {
    let fixture = Fixture::start().await;
    let (l1, key) = (fixture.l1(), fixture.operator(0));
    let (operator, appointee) = (key.address(), fixture.stranger.address());
    let contracts = &fixture.contracts;
    let permissions = &contracts.permissions;
    let selector = b::UpdateSocketCall::selector();
    let update = || contracts.registrar.update_socket(operator, "localhost:8".to_owned());
    let give_up_key = || contracts.keys.deregister_key(operator, fixture.set.clone());
    assert_eq!(revert(appointee, update()).await.as_deref(), REFUSED);

    send(l1, key, permissions.set_appointee(operator, appointee, at::TASK_AVS_REGISTRAR, selector)).await;
    send(l1, &fixture.stranger, update()).await;
    assert_eq!(contracts.registrar.get_operator_socket(operator).call().await.unwrap(), "localhost:8");
    assert_eq!(revert(appointee, give_up_key()).await.as_deref(), REFUSED, "another function");
    let of = permissions.get_appointee_permissions(operator, appointee).call().await.unwrap();
    assert_eq!(of, (vec![at::TASK_AVS_REGISTRAR], vec![selector]));
    let appointees = permissions.get_appointees(operator, at::TASK_AVS_REGISTRAR, selector).call().await.unwrap();
    assert_eq!(appointees, [appointee]);

    send(l1, key, permissions.remove_appointee(operator, appointee, at::TASK_AVS_REGISTRAR, selector)).await;
    assert_eq!(revert(appointee, update()).await.as_deref(), REFUSED);
}

#[tokio::test]
async fn anvil_an_admin_takes_the_place_of_the_account() {
    let fixture = Fixture::start().await;
    let (l1, key) = (fixture.l1(), fixture.operator(0));
    let (operator, admin) = (key.address(), fixture.stranger.address());
    let permissions = &fixture.contracts.permissions;
    let update = || fixture.contracts.registrar.update_socket(operator, "localhost:8".to_owned());
    let admins = async || permissions.get_admins(operator).call().await.unwrap();
    assert_eq!(admins().await, [operator], "an account without admins is its own");
    send(l1, key, permissions.add_pending_admin(operator, admin)).await;
    assert_eq!(permissions.get_pending_admins(operator).call().await.unwrap(), [admin]);
    assert_eq!(revert(admin, update()).await.as_deref(), REFUSED, "until it accepts");
    send(l1, &fixture.stranger, permissions.accept_admin(operator)).await;
    assert_eq!(admins().await, [admin]);
    assert_eq!((revert(admin, update()).await, revert(operator, update()).await.as_deref()), (None, REFUSED));
}
