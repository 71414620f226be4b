//! A test's objects in a Docker engine, found by their label.

use std::collections::{BTreeSet, HashMap};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptions,
};
use hourglass_engine::Engine;

/// The names of the containers, networks and volumes with a label, as `key=value`.
pub async fn labelled_objects(engine: &Engine, label: &str) -> BTreeSet<String> {
    let filters = HashMap::from([("label", vec![label])]);
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let docker = engine.docker();
    let containers = docker.list_containers(Some(containers)).await.unwrap();
    let networks = docker.list_networks(Some(networks)).await.unwrap();
    let volumes = docker.list_volumes(Some(volumes)).await.unwrap().volumes.unwrap_or_default();
    let names = containers.into_iter().flat_map(|container| container.names.unwrap_or_default());
    let names = names.map(|name| name.trim_start_matches('/').to_owned());
    let networks = networks.into_iter().filter_map(|network| network.name);
    names.chain(networks).chain(volumes.into_iter().map(|volume| volume.name)).collect()
}

/// Removes containers, networks and volumes with these names. Those that are gone are no error.
pub async fn remove_objects(engine: &Engine, names: &BTreeSet<String>) {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let docker = engine.docker();
    // Each name belongs to one kind of object, and is unknown for the others.
    for name in names {
        let _ = docker.remove_container(name, Some(options.clone())).await;
    }
    for name in names {
        let _ = docker.remove_network(name).await;
        let _ = docker.remove_volume(name, None::<RemoveVolumeOptions>).await;
    }
}
