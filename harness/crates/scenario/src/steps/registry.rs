//! The types that are generated from the list of all steps: what is read from a file, and what runs.
//!
//! In the file a step is a mapping with one key, its kind (`create_task: {…}`). It is parsed into `StepDocument`, which
//! has an `Option` for each kind, because a choice between alternatives gives poor error messages; loading converts it
//! into
//! [`Step`](crate::Step) with the enum `StepKind`.

macro_rules! step_kinds {
    ($($field:ident: $module:ident::$kind:ident,)+) => {
        $(pub use $module::$kind;)+

        /// One step: exactly one kind, and optionally `name` and `if`.
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = "Step")]
        pub struct StepDocument {
            /// What to call the step in reports.
            #[serde(default)]
            pub name: Option<String>,
            /// Whether the step runs; with a variable such as `${fault}` it can be switched.
            #[serde(default, rename = "if")]
            pub condition: Option<bool>,
            $(
                #[doc = concat!("The step, if it is one of the kind `", stringify!($field), "`.")]
                #[serde(default)]
                #[schemars(description = description::<$kind>())]
                pub $field: Option<$kind>,
            )+
            /// Runs the steps in the list side by side and waits for all of them.
            #[serde(default)]
            #[schemars(length(min = 1))]
            pub parallel: Option<Vec<StepDocument>>,
        }

        /// What a step does.
        #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum StepKind {
            $(#[doc = concat!("A step of the kind `", stringify!($field), "`.")] $kind($kind),)+
            /// Runs the steps in the list side by side and waits for all of them.
            Parallel(Vec<Step>),
        }

        /// The keys of all kinds, in the order of the documentation.
        pub const STEP_KEYS: &[&str] = &[$(stringify!($field),)+ "parallel"];

        impl StepKind {
            /// The key of the kind in a file.
            pub const fn key(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => stringify!($field),)+
                    Self::Parallel(_) => "parallel",
                }
            }

            /// The properties of all steps of the kind.
            pub const fn properties(&self) -> StepProperties {
                match self {
                    $(Self::$kind(_) => <$kind as StepDefinition>::PROPERTIES,)+
                    Self::Parallel(_) => StepProperties::ACTION,
                }
            }

            /// The time limit; steps that run concurrently have limits of their own.
            pub fn within(&self) -> Option<std::time::Duration> {
                match self {
                    $(Self::$kind(step) => Some(StepDefinition::within(step).into()),)+
                    Self::Parallel(_) => None,
                }
            }

            /// The tasks that it creates; steps that run concurrently create their own.
            pub fn creates(&self) -> Option<CreatedTasks<'_>> {
                match self {
                    $(Self::$kind(step) => step.creates(),)+
                    Self::Parallel(_) => None,
                }
            }

            pub(crate) fn task(&self) -> Option<&str> {
                match self {
                    $(Self::$kind(step) => StepDefinition::task(step),)+
                    Self::Parallel(_) => None,
                }
            }

            pub(crate) fn tasks_in_values(&self, at: &Pointer) -> Vec<(&str, Pointer)> {
                match self {
                    $(Self::$kind(step) => StepDefinition::tasks_in_values(step, at),)+
                    Self::Parallel(_) => Vec::new(),
                }
            }

            pub(crate) fn deploys(&self) -> Option<NewPerformer<'_>> {
                match self {
                    $(Self::$kind(step) => step.deploys(),)+
                    Self::Parallel(_) => None,
                }
            }

            pub(crate) fn performers(&self, at: &Pointer) -> Vec<NamedPerformer<'_>> {
                match self {
                    $(Self::$kind(step) => StepDefinition::performers(step, at),)+
                    Self::Parallel(_) => Vec::new(),
                }
            }

            pub(crate) fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
                match self {
                    $(Self::$kind(step) => step.components(),)+
                    Self::Parallel(_) => Vec::new(),
                }
            }

            pub(crate) fn key_runtimes(&self) -> Vec<(&'static str, StepRuntimes)> {
                match self {
                    $(Self::$kind(step) => step.key_runtimes(),)+
                    Self::Parallel(_) => Vec::new(),
                }
            }

            pub(crate) fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
                match self {
                    $(Self::$kind(step) => step.check(at, check),)+
                    Self::Parallel(_) => {}
                }
            }

            pub(crate) fn fill_defaults(&mut self) {
                match self {
                    $(Self::$kind(step) => step.fill_defaults(),)+
                    Self::Parallel(_) => {}
                }
            }
        }

        impl StepDocument {
            /// The keys of the given kinds; a valid step has one.
            pub fn keys(&self) -> Vec<&'static str> {
                let mut keys = Vec::new();
                $(if self.$field.is_some() { keys.push(stringify!($field)); })+
                if self.parallel.is_some() { keys.push("parallel"); }
                keys
            }

            /// The given kinds, except `parallel`, which needs positions; a valid step has one.
            pub(crate) fn kinds(&self) -> Vec<StepKind> {
                let mut kinds = Vec::new();
                $(if let Some(step) = &self.$field { kinds.push(StepKind::$kind(step.clone())); })+
                kinds
            }
        }
    };
}
