//! What all reconciles of a controller share.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::ListParams,
    core::PartialObjectMeta,
    runtime::{
        events::Recorder,
        reflector::{ObjectRef, Store, store::Writer},
        watcher,
    },
};
use serde::de::DeserializeOwned;

use super::{
    apply::Applications,
    backoff::Backoffs,
    error::{ReconcileError, ask},
    events::{self, Events},
    pending_writes::Written,
    queue::Queue,
    stores::{Scope, Stores},
    watch::{Touched, Watch},
};
use crate::{
    api::{PERFORMER_LABEL, Performer},
    desired::{Reference, References, references},
    health::Health,
    metrics::Metrics,
};

/// A controller's state. None of it has to survive a restart.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) stores: Stores,
    pub(super) queue: Queue,
    pub(super) written: Written,
    pub(super) applications: Applications,
    pub(super) backoffs: Backoffs,
    pub(super) events: Events,
    pub(super) metrics: Arc<Metrics>,
    /// How long a removal waits for pods.
    pub(super) drain: Duration,
    watches: Mutex<Vec<Start>>,
}

/// A watch that has not been started.
type Start = Box<dyn FnOnce(Arc<Context>) -> BoxFuture<'static, ()> + Send>;

impl Context {
    pub(super) fn new(
        client: Client,
        scope: Scope,
        recorder: Recorder,
        drain: Duration,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
    ) -> Self {
        let mut planned = Planned { client, scope, metrics, health, watches: Vec::new() };
        let labelled = || watcher::Config::default().labels(PERFORMER_LABEL);
        let everything = watcher::Config::default;
        let stores = Stores {
            performers: planned.watch(everything(), |_| {}, Context::performer_touched),
            deployments: planned.watch(labelled(), |_| {}, Context::belonging_touched),
            services: planned.watch(labelled(), |_| {}, Context::belonging_touched),
            pods: planned.watch(labelled(), |_| {}, Context::belonging_touched),
            // `kubectl apply` keeps what it applied in an annotation, with the values of a secret.
            secrets: planned.watch(everything(), strip_annotations, Context::referred_touched(Reference::Secret)),
            config_maps: planned.watch(
                everything(),
                strip_annotations,
                Context::referred_touched(Reference::ConfigMap),
            ),
        };
        let (events, published) = Events::new();
        planned.watches.push(Box::new(|_| events::publish(recorder, published).boxed()));
        let Planned { client, metrics, watches, .. } = planned;
        metrics.count(stores.performers.clone());
        Self {
            client,
            stores,
            queue: Queue::default(),
            written: Written::default(),
            applications: Applications::default(),
            backoffs: Backoffs::default(),
            events,
            metrics,
            drain,
            watches: Mutex::new(watches),
        }
    }

    /// The tasks that fill the stores and publish Events. They can be taken once.
    pub(super) fn watches(self: &Arc<Self>) -> Vec<BoxFuture<'static, ()>> {
        let watches = std::mem::take(&mut *self.watches.lock().unwrap_or_else(PoisonError::into_inner));
        watches.into_iter().map(|start| start(self.clone())).collect()
    }

    /// Asks for a reconcile of every Performer.
    pub(super) fn enqueue_all(&self) {
        for performer in self.stores.performers.state() {
            self.queue.push(ObjectRef::from_obj(&*performer));
        }
    }

    /// Forgets `performer`, which is gone.
    pub(super) fn forget(&self, performer: &ObjectRef<Performer>) {
        self.queue.taken(performer);
        self.written.forget(performer);
        self.applications.forget(performer);
        self.backoffs.reset(performer);
    }

    /// Versions of the secrets and config maps that `performer` takes values from.
    ///
    /// An object that a store lacks is requested: a user who creates a secret and then a Performer may be faster than
    /// the watch. A pod that was started without the secret's version would be replaced as soon as the version is
    /// known.
    pub(super) async fn references(&self, performer: &Performer) -> Result<References, ReconcileError> {
        let namespace = performer.namespace().unwrap_or_default();
        let mut versions = References::default();
        for reference in references(performer) {
            let version = match self.stores.version(&reference, &namespace) {
                Some(version) => Some(version),
                None => self.look_up(performer, &reference, &namespace).await?,
            };
            if let Some(version) = version {
                versions.insert(reference, version);
            }
        }
        Ok(versions)
    }

    async fn look_up(
        &self,
        performer: &Performer,
        reference: &Reference,
        namespace: &str,
    ) -> Result<Option<String>, ReconcileError> {
        let named = |name: &str| ListParams::default().fields(&format!("metadata.name={name}"));
        match reference {
            Reference::Secret(name) => {
                let api = Api::<PartialObjectMeta<Secret>>::namespaced(self.client.clone(), namespace);
                let listed = ask(performer, format!("look up Secret {name}"), api.list(&named(name))).await?;
                Ok(listed.items.first().and_then(ResourceExt::resource_version))
            }
            Reference::ConfigMap(name) => {
                let api = Api::<PartialObjectMeta<ConfigMap>>::namespaced(self.client.clone(), namespace);
                let listed = ask(performer, format!("look up ConfigMap {name}"), api.list(&named(name))).await?;
                Ok(listed.items.first().and_then(ResourceExt::resource_version))
            }
        }
    }

    fn performer_touched(&self, touched: Touched<'_, Performer>) {
        match touched {
            Touched::Changed(performer) if self.written.is_echo(performer) => {}
            Touched::Changed(performer) => self.queue.push(ObjectRef::from_obj(performer)),
            Touched::Gone(performer) => self.forget(&ObjectRef::from_obj(performer)),
            Touched::All => self.enqueue_all(),
        }
    }

    fn belonging_touched<K: Resource<DynamicType = ()>>(&self, touched: Touched<'_, K>) {
        let object = match touched {
            Touched::Changed(object) | Touched::Gone(object) => object,
            Touched::All => return self.enqueue_all(),
        };
        if let (Some(name), Some(namespace)) = (object.labels().get(PERFORMER_LABEL), object.namespace()) {
            self.queue.push(ObjectRef::new(name).within(&namespace));
        }
    }

    fn referred_touched<K: Resource<DynamicType = ()>>(
        reference: impl Fn(String) -> Reference,
    ) -> impl Fn(&Self, Touched<'_, K>) {
        move |context, touched| {
            let object = match touched {
                Touched::Changed(object) | Touched::Gone(object) => object,
                Touched::All => return context.enqueue_all(),
            };
            let (reference, namespace) = (reference(object.name_any()), object.namespace());
            let refers = |performer: &Performer| {
                performer.namespace() == namespace && references(performer).contains(&reference)
            };
            for performer in context.stores.performers.state_filter(refers) {
                context.queue.push(ObjectRef::from_obj(&*performer));
            }
        }
    }
}

/// Watches that wait for the context that they report to.
struct Planned {
    client: Client,
    scope: Scope,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    watches: Vec<Start>,
}

impl Planned {
    fn watch<K>(
        &mut self,
        config: watcher::Config,
        slim: impl Fn(&mut K) + Send + 'static,
        touched: impl Fn(&Context, Touched<'_, K>) + Send + 'static,
    ) -> Store<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let writer = Writer::<K>::default();
        let store = writer.as_reader();
        let name = self.scope.watch(&K::plural(&()));
        self.health.expect(&name);
        let (metrics, health) = (self.metrics.clone(), self.health.clone());
        let watch = Watch { name, api: self.scope.api(&self.client), config, writer, metrics, health };
        self.watches.push(Box::new(move |context| {
            async move { watch.run(slim, move |event| touched(&context, event)).await }.boxed()
        }));
        store
    }
}

fn strip_annotations<K: Resource>(object: &mut K) {
    object.meta_mut().annotations = None;
}
