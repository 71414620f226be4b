//! `harness image`: the images of the harness's containers.

use std::{
    env,
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use bytesize::ByteSize;
use hourglass_cluster::{ClusterFolders, ClusterName, kind::Kind};
use hourglass_engine::Engine;
use hourglass_image::{self as image, Image, ImageError, ImageRole, NodeImage, RootFilesystem};
use hourglass_scenario::ScenarioError;

use super::{
    AnvilArgs, CliError, Output,
    interrupt::{self, unless_interrupted},
    notice,
};

/// Makes the images that containers run from, and brings images to clusters
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ImageCommand {
    /// Makes an image without a build daemon; says its name and digest
    Build(BuildArgs),
    /// Brings images of the Docker engine to the nodes of a cluster that lack them
    Load(LoadArgs),
}

/// Which images, and which cluster.
#[derive(Debug, Clone, clap::Args)]
pub struct LoadArgs {
    /// Images that the engine has, by name and tag
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<String>,
    /// The cluster's name
    #[arg(long, value_name = "NAME")]
    pub cluster: ClusterName,
}

/// Which image, of what, and what becomes of it.
#[derive(Debug, Clone, clap::Args)]
pub struct BuildArgs {
    /// Which image
    pub role: ImageRole,
    /// The executable to put into it; default: this one, or the Anvil that a run would use
    #[arg(long, value_name = "PATH")]
    pub executable: Option<PathBuf>,
    /// Write its archive, for `docker load`, `ctr image import` and readers of OCI layouts
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Load it into the Docker engine, unless it is there
    #[arg(long)]
    pub load: bool,
    /// Bring it to the nodes of this cluster that lack it
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<ClusterName>,
    /// Write its root filesystem into a folder, for the Dockerfile
    #[arg(long, value_name = "FOLDER")]
    pub context: Option<PathBuf>,
    /// Where Anvil comes from
    #[command(flatten)]
    pub anvil: AnvilArgs,
}

/// Runs the subcommand, and writes to `out` what it did.
pub async fn run(command: &ImageCommand, out: &mut impl Output) -> Result<(), CliError> {
    match command {
        ImageCommand::Build(args) => build(args, out).await,
        ImageCommand::Load(args) => {
            let who = |image: &String| NodeImage::of_engine(image, format!("cluster {}", args.cluster));
            let images: Vec<_> = args.images.iter().map(who).collect();
            load_into_nodes(&args.cluster, &images, out).await
        }
    }
}

async fn build(args: &BuildArgs, out: &mut impl Output) -> Result<(), CliError> {
    refuse_without_effect(args)?;
    let executable = executable(args).await?;
    let filesystem = RootFilesystem::collect(args.role, &executable)?;
    if let Some(folder) = &args.context {
        filesystem.write_to(folder)?;
        writeln!(out, "context: {}", folder.display())?;
    }
    let image = Image::of(&filesystem)?;
    drop(filesystem);
    writeln!(out, "image:   {}", image.reference)?;
    writeln!(out, "digest:  {}", image.digest)?;
    writeln!(out, "for:     linux/{}", image.architecture)?;
    writeln!(out, "size:    {}", ByteSize::b(image.size()))?;
    if let Some(path) = &args.output {
        write(&image, path).map_err(|source| ImageError::File { path: path.clone(), source })?;
        writeln!(out, "archive: {}", path.display())?;
    }
    if args.load {
        let engine = Engine::connect().await.map_err(ImageError::from)?;
        let delivered = image::load(&engine, image).await?;
        let what = if delivered.sent { "loaded into" } else { "is there already:" };
        writeln!(out, "engine:  {what} {}", engine.address())?;
    }
    match &args.cluster {
        Some(cluster) => load_into_nodes(cluster, &[NodeImage::Made { role: args.role, executable }], out).await,
        None => Ok(()),
    }
}

/// Loads images into the nodes of a cluster.
async fn load_into_nodes(name: &ClusterName, images: &[NodeImage], out: &mut impl Output) -> Result<(), CliError> {
    let folders = ClusterFolders::locate()?;
    if folders.folder_of(name).state()?.is_none() {
        return Err(CliError::Usage(format!("there is no cluster {name} on this machine")));
    }
    let engine = Engine::connect().await.map_err(ImageError::from)?;
    let nodes = Kind::new(engine.clone(), &folders, name.clone()).connect().await?.nodes().await?;
    for delivered in image::deliver_to_nodes(&engine, &nodes, images).await? {
        let what = if delivered.sent { "loaded into" } else { "is there already:" };
        writeln!(out, "node:    {} {what} {}", delivered.reference, delivered.node)?;
    }
    Ok(())
}

/// The source of Anvil matters only to the image of Anvil, and only if its executable is not named.
fn refuse_without_effect(args: &BuildArgs) -> Result<(), CliError> {
    let given = [("--anvil", args.anvil.anvil.is_some()), ("--offline", args.anvil.offline)];
    let Some((option, _)) = given.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    let reason = match (args.role, &args.executable) {
        (ImageRole::Anvil, None) => return Ok(()),
        (ImageRole::Anvil, Some(_)) => "`--executable` names the Anvil of the image",
        (ImageRole::Components, _) => "the image of the components holds no Anvil",
    };
    let (reason, remedy) = (reason.to_owned(), "leave the option out");
    Err(ScenarioError::WithoutEffect { option, reason, remedy }.into())
}

async fn executable(args: &BuildArgs) -> Result<PathBuf, CliError> {
    if let Some(path) = &args.executable {
        return Ok(path.clone());
    }
    match args.role {
        ImageRole::Components => env::current_exe().map_err(CliError::Executable),
        ImageRole::Anvil => {
            let found = async {
                let found = args.anvil.search().find_or_install(notice).await;
                found.map_err(|error| CliError::Environment(Box::new(error)))
            };
            Ok(unless_interrupted(&interrupt::on_signal(), found).await?.path)
        }
    }
}

fn write(image: &Image, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    image.write_to(&mut file)?;
    io::Write::flush(&mut file)
}
