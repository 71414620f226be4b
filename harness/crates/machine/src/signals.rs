//! The signal mask that this process got from its parent.

use nix::sys::signal::SigSet;

/// Lets signals arrive that the parent has blocked, as supervisors do that wait for theirs. The mask is inherited: neither
/// this process nor a component would end on SIGTERM, and the components would be blamed.
///
/// Must be called before any thread is started.
pub fn unblock() {
    // It fails for invalid arguments only.
    let _ = SigSet::empty().thread_set_mask();
}
