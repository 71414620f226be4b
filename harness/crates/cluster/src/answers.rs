//! Answers of the API server.

/// The result of a request about an object that may be gone: `None` if the API server does not have it.
///
/// For deletions, and for changes after which the object need not exist.
pub fn ignore_not_found<T>(result: kube::Result<T>) -> kube::Result<Option<T>> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        result => result.map(Some),
    }
}

/// Whether the object was changed or replaced since it was read, or is being removed already.
pub fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Whether the user may not do this.
pub fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn other_errors_stay_errors() {
        let answer = |code| kube::Error::Api(Box::new(Status::failure("as it is", "Other").with_code(code)));
        assert!(matches!(ignore_not_found(Ok(1)), Ok(Some(1))));
        assert!(matches!(ignore_not_found::<()>(Err(answer(404))), Ok(None)));
        assert!(ignore_not_found::<()>(Err(answer(403))).is_err());
        assert!(is_conflict(&answer(409)) && !is_conflict(&answer(404)));
    }
}
