//! What `doctor --fix` may do: only what is safe, and loses nothing.

use std::fmt;

/// One thing to do, and to what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    Unpause {
        container: String,
    },
    RestorePolicy {
        container: String,
    },
    /// A container that carries our label and that nothing needs any more; its volumes stay.
    Remove {
        container: String,
    },
    RemoveSpareNetworks,
    SetGrafanaPassword,
    /// `chmod 600`.
    MakePrivate {
        path: String,
    },
    /// A line in `.gitignore`.
    IgnoreInGit,
    ReloadRules,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpause { container } => write!(f, "let the paused container {container} go on"),
            Self::RestorePolicy { container } => {
                write!(f, "set the restart policy of {container} to `always` again")
            }
            Self::Remove { container } => write!(f, "remove the left-over container {container}"),
            Self::RemoveSpareNetworks => f.write_str("remove networks of the stack's name that nothing uses"),
            Self::SetGrafanaPassword => {
                f.write_str("make GRAFANA_ADMIN_PASSWORD of .env the password in force in Grafana")
            }
            Self::MakePrivate { path } => write!(f, "let only its owner read {path} (chmod 600)"),
            Self::IgnoreInGit => f.write_str("add .env to .gitignore"),
            Self::ReloadRules => f.write_str("reload the rules that differ from those on disk"),
        }
    }
}
