//! The kinds of images, and how their containers start.

use std::fmt;

/// The label of every image that the harness makes: its role.
pub const IMAGE_LABEL: &str = "hourglass-harness/image";

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ImageRole {
    /// All reference components, from the harness's executable
    Components,
    /// Anvil
    Anvil,
}

impl ImageRole {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Components, Self::Anvil];

    /// Its name, as `components`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Components => "components",
            Self::Anvil => "anvil",
        }
    }

    /// The name of its images without their tag.
    pub fn repository(self) -> &'static str {
        match self {
            Self::Components => "hourglass-harness/components",
            Self::Anvil => "hourglass-harness/anvil",
        }
    }

    /// The path of the executable.
    pub fn program(self) -> &'static str {
        match self {
            Self::Components => "/harness",
            Self::Anvil => "/anvil",
        }
    }

    /// The entrypoint of its containers.
    pub fn entrypoint(self) -> &'static [&'static str] {
        match self {
            Self::Components => &["/harness", "component"],
            Self::Anvil => &["/anvil"],
        }
    }

    /// The default arguments: without others, the image of the components is a performer's.
    pub fn command(self) -> &'static [&'static str] {
        match self {
            Self::Components => &["performer"],
            Self::Anvil => &[],
        }
    }

    /// The default port of its containers.
    pub fn port(self) -> u16 {
        match self {
            Self::Components => 8080,
            Self::Anvil => 8545,
        }
    }
}

impl fmt::Display for ImageRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
