//! `completions`: a completion script for a shell.

use clap::CommandFactory;

use crate::cli::args::Arguments;
use crate::report::Output;

pub fn run(output: Output, shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "confidexmon", &mut script);
    output.data(&String::from_utf8_lossy(&script));
}
