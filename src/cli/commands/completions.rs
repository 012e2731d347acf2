//! `completions`: a completion script for a shell. The script asks this program at each press of the key, so it
//! also completes alerts, scenarios, contexts and backups.

use clap_complete::Shell;
use clap_complete::env::Shells;

use crate::error::{Error, ExitCode};
use crate::report::Output;

/// The variable by which a shell asks.
pub const VARIABLE: &str = "COMPLETE";
const NAME: &str = "confidexmon";

/// Prints the registration script of a shell.
///
/// # Errors
/// When the shell's script cannot be written out.
pub fn run(output: Output, shell: Shell) -> Result<(), Error> {
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(&shell.to_string()) else {
        return Err(Error::new(ExitCode::Usage, format!("there is no completion for {shell}")));
    };
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, NAME, NAME, NAME, &mut script)
        .map_err(|error| Error::new(ExitCode::Failed, format!("cannot write the script: {error}")))?;
    output.data(&String::from_utf8_lossy(&script));
    Ok(())
}
