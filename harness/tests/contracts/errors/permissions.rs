//! `PermissionController`.

use hourglass_proto::contracts::addresses as at;

use crate::{
    fixture::Fixture,
    run::{Act, Case, case, send},
};

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    let permissions = &fixture.contracts.permissions;
    let key = &fixture.stranger;
    let (account, other) = (key.address(), fixture.app());
    let appoint = || permissions.set_appointee(account, other, at::KEY_REGISTRAR, [1; 4]);
    let dismiss = || permissions.remove_appointee(account, other, at::KEY_REGISTRAR, [1; 4]);
    let propose = || permissions.add_pending_admin(account, account);
    let own_admin = || -> Vec<Act> { vec![send(key, propose()), send(key, permissions.accept_admin(account))] };
    vec![
        case("PermissionController.NotAdmin", other, propose()),
        case("PermissionController.NotAdmin", other, appoint()),
        case("PermissionController.AdminNotPending", other, permissions.accept_admin(account)),
        case("PermissionController.AdminNotPending", account, permissions.remove_pending_admin(account, other)),
        case("PermissionController.AdminAlreadyPending", account, propose()).after([send(key, propose())]),
        case("PermissionController.AdminAlreadySet", account, propose()).after(own_admin()),
        case("PermissionController.CannotHaveZeroAdmins", account, permissions.remove_admin(account, account))
            .after(own_admin())
            .already_before(),
        case("PermissionController.AdminNotSet", account, permissions.remove_admin(account, at::TASK_MAILBOX))
            .after(own_admin())
            .after([
                send(key, permissions.add_pending_admin(account, other)),
                send(&fixture.accounts.app, permissions.accept_admin(account)),
            ]),
        case("PermissionController.AppointeeAlreadySet", account, appoint()).after([send(key, appoint())]),
        case("PermissionController.AppointeeNotSet", account, dismiss()),
    ]
}
