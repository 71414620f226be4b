//! What trials depend on.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use hourglass_scenario::{Component, DeployScript, Project, Scenario, Step, StepKind};

use super::resolved;

/// Files and folders that trials depend on, as [`resolved`] paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The files; those that do not exist may come into being.
    pub files: BTreeSet<PathBuf>,
    /// Folders of sources.
    pub folders: BTreeSet<PathBuf>,
    /// Those of the files that are programs: `prepare` may build them.
    pub programs: BTreeSet<PathBuf>,
}

impl Inputs {
    /// A file alone, such as a scenario that cannot be read.
    pub fn of_file(path: &Path) -> Self {
        Self { files: [resolved(path)].into(), ..Self::default() }
    }

    /// What all scenarios of the project depend on.
    pub fn of_project(project: &Project) -> Self {
        let mut inputs = Self::of_file(&project.path);
        let prepare = &project.document.prepare;
        for path in prepare.iter().flat_map(|command| &command.inputs) {
            inputs.add(&project.folder.join(path));
        }
        // A command that always runs builds from files that nothing names, unless they are those of an image.
        let is_built = project.document.components.performer.build.is_some();
        if !is_built && prepare.iter().any(|command| command.creates.is_none() && command.inputs.is_empty()) {
            inputs.folders.insert(resolved(&project.folder.join(".")));
        }
        inputs
    }

    /// What a scenario depends on besides its project. Commands of components start in `folder`.
    pub fn of_scenario<'a>(path: &Path, scenarios: impl IntoIterator<Item = &'a Scenario>, folder: &Path) -> Self {
        let mut inputs = Self::of_file(path);
        for scenario in scenarios {
            let components = &scenario.components;
            let performers = scenario.topology.performers().map(|(_, operator)| &operator.performer);
            for component in performers.chain([&components.performer, &components.executor, &components.aggregator]) {
                inputs.add_component(component, folder);
            }
            inputs.files.extend(scenario.contracts.iter().map(|contract| resolved(&contract.contract.artifact)));
            let replacements = scenario.replacements.iter();
            inputs.files.extend(replacements.map(|replacement| resolved(&replacement.replacement.artifact)));
            for input in scenario.deploy_scripts.iter().flat_map(DeployScript::input_paths) {
                inputs.add(&input);
            }
            for step in Step::all_in(&scenario.steps) {
                if let StepKind::CreateTask(task) = &step.kind {
                    inputs.files.extend(task.payload_file.iter().map(|file| resolved(file.path())));
                }
            }
        }
        inputs
    }

    /// What both depend on.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.files.extend(other.files.iter().cloned());
        self.folders.extend(other.folders.iter().cloned());
        self.programs.extend(other.programs.iter().cloned());
        self
    }

    /// Whether this file is named among them.
    pub fn name(&self, path: &Path) -> bool {
        self.files.contains(path)
    }

    /// Whether this file is in one of the folders.
    pub fn contain(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
    }

    fn add(&mut self, path: &Path) {
        if path.is_dir() {
            self.folders.insert(resolved(&path.join(".")));
        } else {
            self.files.insert(resolved(path));
        }
    }

    fn add_component(&mut self, component: &Component, folder: &Path) {
        self.files.extend(component.environment_from.iter().map(|file| resolved(file)));
        self.files.extend(component.files.values().filter_map(|file| Some(resolved(file.path()?))));
        if let Some(build) = &component.build {
            self.folders.insert(resolved(&build.context.join(".")));
        }
        let Some((program, arguments)) = component.command.as_deref().and_then(<[String]>::split_first) else { return };
        if program.contains('/') {
            let program = resolved(&folder.join(program));
            self.files.insert(program.clone());
            self.programs.insert(program);
        }
        // A script, or a configuration.
        let files = arguments.iter().map(|argument| folder.join(argument)).filter(|path| path.is_file());
        self.files.extend(files.map(|path| resolved(&path)));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hourglass_scenario::Loader;

    use super::*;

    #[test]
    fn a_scenario_depends_on_all_files_that_it_names() {
        let root = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(root.path()).unwrap();
        for name in ["scenarios", "performer"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        for name in ["bytes.bin", "given.json", "performer/main.py", "shared.env", "performer/Dockerfile"] {
            fs::write(folder.join(name), "A=b\n").unwrap();
        }
        let path = folder.join("scenarios/own.yaml");
        let text = "name: own\ndescription: A test's own.\n\
            components: {performer: {command: [bin/python, performer/main.py, --fast], build: {context: ../performer}}}\n\
            topology: {operators: [{name: a, performer: {environment_from: ../shared.env, files: {/etc/avs/a: ../given.json}}}]}\n\
            steps:\n  - parallel: [{create_task: {payload_file: ../bytes.bin}}]\n  - expect_verified: {}\n";
        fs::write(&path, text).unwrap();
        let file = Loader::new().unwrap().load(&path).unwrap();
        let inputs = Inputs::of_scenario(&path, file.variants.iter().map(|variant| &*variant.scenario), &folder);
        let at = |names: &[&str]| names.iter().map(|name| folder.join(name)).collect::<BTreeSet<_>>();
        let files = ["bin/python", "bytes.bin", "given.json", "performer/main.py", "scenarios/own.yaml", "shared.env"];
        assert_eq!(inputs.files, at(&files));
        assert_eq!((inputs.folders, inputs.programs), (at(&["performer"]), at(&["bin/python"])));
    }

    #[rstest::rstest]
    #[case::inputs("prepare: [{run: ['true'], creates: bin, inputs: [src, main.c]}]", &["harness.yaml", "main.c"], &["src"])]
    #[case::made_once("prepare: [{run: ['true'], creates: bin}]", &["harness.yaml"], &[])]
    #[case::of_any_file("prepare: [{run: ['true']}]", &["harness.yaml"], &[""])]
    #[case::of_an_image(
        "prepare: [{run: ['true']}]\ncomponents: {performer: {command: [a], build: {context: src}}}",
        &["harness.yaml"],
        &[]
    )]
    fn a_project_depends_on_what_is_prepared(#[case] text: &str, #[case] files: &[&str], #[case] folders: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(root.path()).unwrap();
        fs::create_dir(folder.join("src")).unwrap();
        fs::write(folder.join("src/Dockerfile"), "FROM scratch\n").unwrap();
        fs::write(folder.join("harness.yaml"), text).unwrap();
        let inputs = Inputs::of_project(&Project::load(&folder.join("harness.yaml")).unwrap());
        let at = |names: &[&str]| names.iter().map(|name| resolved(&folder.join(name))).collect::<BTreeSet<_>>();
        assert_eq!((inputs.files, inputs.folders), (at(files), at(folders)));
    }
}
