//! `images save` and `images load`: the stack's images in one archive.

use serde_json::json;

use crate::apply::update::carry;
use crate::cli::args::{ImagesCommand, PlanOptions};
use crate::cli::context::Context;
use crate::error::Error;
use crate::report::{Format, words};

/// Packs the images of the lock into one file, or loads such a file into the engine.
///
/// # Errors
/// When an image is not there, or there is no room for the file.
pub async fn run(context: &Context, command: &ImagesCommand) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let engine = context.engine(&[]).await?;
    let session = context.session(engine, &loaded.settings.stack)?;
    let desired = context.desired(&loaded)?;
    let output = context.output;
    match command {
        ImagesCommand::Save(options) => {
            let size = carry::save(&session, &desired, &options.file).await?;
            let images: Vec<&str> =
                desired.services.values().map(|wanted| wanted.spec.image.as_str()).collect();
            match output.format {
                Format::Json => output.json(&json!({"file": options.file, "bytes": size, "images": images})),
                Format::Human => output.info(&format!(
                    "{} in {} ({} MB)",
                    words::count(images.len(), "image"),
                    options.file.display(),
                    size / 1_000_000
                )),
            }
        }
        ImagesCommand::Load(options) => {
            let images = carry::load(&session, &desired, &options.file).await?;
            let images: Vec<&str> = images.iter().map(crate::model::ImageRef::as_str).collect();
            match output.format {
                Format::Json => output.json(&json!({"images": images})),
                Format::Human => output.info(&format!(
                    "here now: {}; `confidexmon up --pull never` starts the stack",
                    words::count(images.len(), "image")
                )),
            }
        }
    }
    Ok(())
}
