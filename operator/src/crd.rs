//! The CustomResourceDefinition, generated from the API types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt as _;

use crate::api::Performer;

/// The definition of `Performer`.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = Performer::crd();
    for version in &mut crd.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            shorten(schema);
        }
    }
    crd
}

/// The definition as the chart's file holds it.
pub fn yaml() -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(&crd())
}

/// Keeps the first paragraph of each description: those of quantities alone would be nine tenths of the file.
fn shorten(schema: &mut JSONSchemaProps) {
    if let Some((first, _)) = schema.description.as_deref().and_then(|text| text.split_once("\n\n")) {
        schema.description = Some(first.to_owned());
    }
    schema.properties.iter_mut().flatten().for_each(|(_, property)| shorten(property));
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        shorten(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        shorten(values);
    }
}
