//! The README's commands exist, parse, and do what they are shown for.

use std::collections::BTreeSet;

use clap::CommandFactory;
use confidexmon::cli::args::Arguments;

use crate::lab::{Lab, get, repository};

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).unwrap()
}

/// The lines of the `sh` blocks, without comments.
pub(crate) fn shell_lines() -> Vec<String> {
    let text = readme();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Every command line of the tool in the text, in blocks and between backticks.
fn mentioned() -> Vec<String> {
    let text = readme();
    let inline = text.split('`').skip(1).step_by(2).map(str::to_owned);
    let lines = inline.chain(shell_lines()).filter(|line| line.starts_with("confidexmon "));
    lines.filter(|line| !line.contains('…') && !line.contains('\n')).collect()
}

#[test]
fn every_command_line_in_the_readme_is_one() {
    let lines = mentioned();
    assert!(lines.len() > 25, "{lines:?}");
    for line in lines {
        let words = line.split_whitespace();
        if let Err(error) = Arguments::command().try_get_matches_from(words) {
            let told = matches!(
                error.kind(),
                clap::error::ErrorKind::DisplayHelp
                    | clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    | clap::error::ErrorKind::MissingRequiredArgument
            );
            assert!(told, "{line}: {error}");
        }
    }
}

#[test]
fn the_table_lists_the_commands_that_there_are() {
    let text = readme();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `confidexmon "));
    let listed: BTreeSet<String> = rows.map(|row| row.split('`').next().unwrap().to_owned()).collect();
    let command = Arguments::command();
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    let wanted: BTreeSet<String> = visible.map(|command| command.get_name().to_owned()).collect();
    assert_eq!(listed, wanted);
}

#[test]
fn the_commands_of_the_how_tos_work_in_their_order() {
    let Some(lab) = Lab::open() else { return };
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_confidexmon"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut ran = 0;
    let mut folder = lab.folder.path().to_owned();
    for line in shell_lines() {
        // The slow ones have tests of their own; the scripts are what runs this test.
        let elsewhere = [
            "scripts/",
            "drill",
            "test-rules",
            "demo-backend",
            "init shop --for",
            "update",
            "rollback",
            "--as",
        ];
        let assignment = line.split_once('=').is_some_and(|(name, _)| !name.contains(' '));
        if assignment || elsewhere.iter().any(|word| line.contains(word)) {
            continue;
        }
        if let Some(into) = line.strip_prefix("cd ") {
            folder.push(into);
            continue;
        }
        let mut shell = lab.shell(&line);
        shell.current_dir(&folder);
        let output = shell.env("PATH", &path).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {text}");
        ran += 1;
    }
    assert!(ran >= 10, "{ran}");
    assert_eq!(get(&lab.url("prometheus", "/-/ready")).0, 200);
    assert!(folder.join("rendered/prometheus/etc/prometheus/prometheus.yml").exists());
}
