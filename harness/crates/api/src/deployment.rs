//! Deployments of performers through the management services of executors.

use std::{
    fmt,
    future::{Future, IntoFuture},
    panic::Location,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use hourglass_scenario::GrpcCode;
use serde_json::{Map, Value};

use crate::{
    HarnessError,
    document::{duration, literal},
    session::Session,
    step::PendingStep,
};

/// A performer that is deployed when this is awaited: [`TestEnvironment::deploy_performer`](crate::TestEnvironment::deploy_performer).
#[derive(Debug, Clone)]
#[must_use = "the performer is deployed when this is awaited"]
pub struct DeployPerformer {
    step: PendingStep,
    session: Arc<Session>,
    operator: String,
    environment: Map<String, Value>,
}

/// A performer that was deployed.
#[derive(Clone)]
pub struct DeployedPerformer {
    session: Arc<Session>,
    operator: String,
    alias: String,
}

/// A performer is removed, or its removal is refused: [`TestEnvironment::remove_performer`](crate::TestEnvironment::remove_performer).
#[derive(Debug, Clone)]
#[must_use = "the performer is removed when this is awaited"]
pub struct RemovePerformer(PendingStep);

/// An executor lists performers: [`TestEnvironment::expect_performers`](crate::TestEnvironment::expect_performers).
#[derive(Debug, Clone)]
#[must_use = "an expectation is judged when it is awaited"]
pub struct ExpectPerformers {
    step: PendingStep,
    performers: Map<String, Value>,
}

impl DeployPerformer {
    pub(crate) fn new(session: &Arc<Session>, operator: &str, location: &'static Location<'static>) -> Self {
        let step = PendingStep::new(session, "deploy_performer", location).with("operator", literal(operator));
        Self { step, session: Arc::clone(session), operator: operator.to_owned(), environment: Map::new() }
    }

    /// An environment variable, over those of the configured performer.
    pub fn environment(mut self, name: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.environment.insert(name.into(), literal(value.as_ref()));
        self
    }

    /// An image in place of the configured performer, by repository and digest (`repository@sha256:…`), for Docker and Kubernetes.
    pub fn image(mut self, reference: impl AsRef<str>) -> Self {
        self.step = self.step.with("image", literal(reference.as_ref()));
        self
    }

    /// Waits only until the executor lists the performer; the deployment goes on.
    pub fn until_staged(mut self) -> Self {
        self.step = self.step.with("until", "staged".into());
        self
    }

    /// How long it may take; default: 60 s.
    pub fn within(mut self, limit: Duration) -> Self {
        self.step = self.step.with("within", duration(limit));
        self
    }

    /// Expects that the executor refuses the deployment with this code.
    pub fn expect_refused(self, code: GrpcCode) -> crate::Action {
        let step = self.step.without("until").with("environment", self.environment.into());
        crate::Action(step.with("expect_refused", code.as_str().into()))
    }

    async fn deploy(self) -> Result<DeployedPerformer, HarnessError> {
        let Self { step, session, operator, environment } = self;
        let alias = session.next_performer();
        step.with("environment", environment.into()).with("as", alias.as_str().into()).done().await?;
        Ok(DeployedPerformer { session, operator, alias })
    }
}

impl IntoFuture for DeployPerformer {
    type Output = Result<DeployedPerformer, HarnessError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.deploy())
    }
}

impl DeployedPerformer {
    /// The operator whose executor has it.
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// Removes it, and waits until it has ended.
    #[track_caller]
    pub fn remove(&self) -> RemovePerformer {
        RemovePerformer::new(&self.session, &self.operator, Location::caller()).performer(self)
    }
}

impl fmt::Debug for DeployedPerformer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DeployedPerformer({} of {})", self.alias, self.operator)
    }
}

impl RemovePerformer {
    pub(crate) fn new(session: &Arc<Session>, operator: &str, location: &'static Location<'static>) -> Self {
        Self(PendingStep::new(session, "remove_performer", location).with("operator", literal(operator)))
    }

    /// The performer; default: the one in service.
    pub fn performer(self, performer: &DeployedPerformer) -> Self {
        let DeployedPerformer { operator, alias, .. } = performer;
        Self(self.0.naming(alias, operator).with("performer", alias.as_str().into()))
    }

    /// The code with which the executor must refuse it.
    pub fn expect_refused(self, code: GrpcCode) -> Self {
        Self(self.0.with("expect_refused", code.as_str().into()))
    }

    /// How long it may take, including the tasks that run on it; default: 60 s.
    pub fn within(self, limit: Duration) -> Self {
        Self(self.0.with("within", duration(limit)))
    }
}

impl IntoFuture for RemovePerformer {
    type Output = Result<(), HarnessError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.done())
    }
}

impl ExpectPerformers {
    pub(crate) fn new(session: &Arc<Session>, operator: &str, location: &'static Location<'static>) -> Self {
        let step = PendingStep::new(session, "expect_performers", location).with("operator", literal(operator));
        Self { step, performers: Map::new() }
    }

    /// How many there must be, in any role.
    pub fn count(self, count: usize) -> Self {
        Self { step: self.step.with("count", count.into()), ..self }
    }

    /// This one takes the tasks, and is healthy.
    pub fn in_service(self, performer: &DeployedPerformer) -> Self {
        self.role(performer, "in_service")
    }

    /// This one was started, and takes no tasks yet.
    pub fn staged(self, performer: &DeployedPerformer) -> Self {
        self.role(performer, "staged")
    }

    /// This one is not listed.
    pub fn absent(self, performer: &DeployedPerformer) -> Self {
        self.role(performer, "absent")
    }

    /// How long to wait; default: 10 s.
    pub fn within(self, limit: Duration) -> Self {
        Self { step: self.step.with("within", duration(limit)), ..self }
    }

    fn role(mut self, performer: &DeployedPerformer, role: &str) -> Self {
        self.step = self.step.naming(&performer.alias, &performer.operator);
        self.performers.insert(performer.alias.clone(), role.into());
        self
    }
}

impl IntoFuture for ExpectPerformers {
    type Output = Result<(), HarnessError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.step.with("performers", self.performers.into()).done())
    }
}
