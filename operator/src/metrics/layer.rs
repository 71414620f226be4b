//! The layer of the Kubernetes client that sees every request and its result.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, Request, Response, StatusCode};
use tower::{BoxError, Layer, Service};

use super::{ApiRequest, Metrics};
use crate::health::Health;

/// Counts requests and remembers when the API server last answered.
#[derive(Clone)]
pub(crate) struct CountedLayer {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
}

impl<S> Layer<S> for CountedLayer {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Counted { inner, seen: self.clone() }
    }
}

/// A client whose requests are counted.
#[derive(Clone)]
pub(crate) struct Counted<S> {
    inner: S,
    seen: CountedLayer,
}

impl<S, A, B> Service<Request<A>> for Counted<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let asked = ApiRequest::of(request.method(), request.uri());
        let applied = request.method() == Method::PATCH;
        let answer = self.inner.call(request);
        let seen = self.seen.clone();
        Box::pin(async move {
            let answer = answer.await;
            match &answer {
                Ok(response) => {
                    let status = response.status();
                    seen.health.answered();
                    // Applying an object that does not exist creates it, and needs that right.
                    if applied && status == StatusCode::CREATED {
                        let created = ApiRequest { verb: "create".to_owned(), ..asked.clone() };
                        seen.metrics.asked(created, status.as_str());
                    }
                    seen.metrics.asked(asked, status.as_str());
                }
                Err(error) => {
                    seen.health.unanswered(&**error);
                    seen.metrics.asked(asked, "unanswered");
                }
            }
            answer
        })
    }
}
