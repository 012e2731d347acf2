//! A change that counts only once it was proved: staged and validated while everything is as it was, then
//! switched, verified and committed; on a failure behind the switch, what was there before is back, and the error
//! says so. Reload, restart, update and restore are such changes.
//!
//! A run may be killed at any step. Each change leaves something by which the next command ends it (a manifest
//! that doubts its files, the kept container, a note beside the state): its `stage` or `switch` writes that
//! before anything else, and its `commit` or `roll_back` takes it away last.

use crate::error::Error;

/// One change, as its steps.
pub(super) trait Transaction {
    /// What is known of the state before, for the proof and the way back.
    type Before;

    /// Prepares the change beside what is in force; nothing is in force afterwards that was not before.
    async fn stage(&mut self) -> Result<Self::Before, Error>;

    /// Refuses a change that cannot work, while nothing was touched.
    async fn validate(&mut self, _before: &Self::Before) -> Result<(), Error> {
        Ok(())
    }

    /// Removes what was staged, after a refusal.
    async fn discard(&mut self, _before: &Self::Before) {}

    /// Puts the new state in the old one's place.
    async fn switch(&mut self, before: &Self::Before) -> Result<(), Error>;

    /// Proves that the new state works.
    async fn verify(&mut self, before: &Self::Before) -> Result<(), Error>;

    /// From here on the new state counts.
    async fn commit(&mut self, before: &Self::Before) -> Result<(), Error>;

    /// Puts the old state back, after `failure`, which it may explain, and proves it. An error here means that this
    /// failed, too.
    async fn roll_back(&mut self, before: Self::Before, failure: &mut Error) -> Result<Back, Error>;

    /// What follows a change that was committed.
    async fn clean_up(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// What the way back is called, and what to do when it failed: `putting the old files back`.
    fn way_back(&self) -> WayBackWords;
}

/// Words for a way back that failed.
pub(super) struct WayBackWords {
    pub(super) name: &'static str,
    pub(super) hint: &'static str,
}

/// What a way back came to.
pub(super) enum Back {
    /// The sentence that follows the failure's: `the old files are back, in force and on disk`.
    Done(String),
    /// Nothing was put back: the failure says it all.
    NotWanted,
    /// There was no way back, so the new state stays, and was proved after all.
    NewInForce,
    /// Nothing was put back, and this is to be told instead.
    Instead(Error),
}

/// Carries a change out.
///
/// # Errors
/// The refusal, or the failure with what became of it.
pub(super) async fn run<T: Transaction>(change: &mut T) -> Result<(), Error> {
    let before = change.stage().await?;
    if let Err(refusal) = change.validate(&before).await {
        change.discard(&before).await;
        return Err(refusal);
    }
    match attempt(change, &before).await {
        Ok(()) => change.clean_up().await,
        Err(failure) => go_back(change, before, failure).await,
    }
}

async fn attempt<T: Transaction>(change: &mut T, before: &T::Before) -> Result<(), Error> {
    change.switch(before).await?;
    change.verify(before).await?;
    change.commit(before).await
}

async fn go_back<T: Transaction>(change: &mut T, before: T::Before, mut failure: Error) -> Result<(), Error> {
    match change.roll_back(before, &mut failure).await {
        Ok(Back::Done(sentence)) => {
            failure.message.push_str(&format!("; {sentence}"));
            Err(failure)
        }
        Ok(Back::NotWanted) => Err(failure),
        Ok(Back::NewInForce) => Ok(()),
        Ok(Back::Instead(error)) => Err(error),
        Err(again) => {
            let words = change.way_back();
            failure.message.push_str(&format!("; {} failed too: {}", words.name, again.message));
            failure.causes.extend(again.causes);
            Err(failure.hint(words.hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    /// Fails at the steps that are named, and notes each step.
    #[derive(Default)]
    struct Noted {
        fails: Vec<&'static str>,
        steps: Vec<&'static str>,
    }

    impl Noted {
        fn step(&mut self, name: &'static str) -> Result<(), Error> {
            self.steps.push(name);
            if self.fails.contains(&name) { Err(Error::new(ExitCode::Failed, name)) } else { Ok(()) }
        }
    }

    impl Transaction for Noted {
        type Before = ();

        async fn stage(&mut self) -> Result<(), Error> {
            self.step("stage")
        }

        async fn validate(&mut self, (): &()) -> Result<(), Error> {
            self.step("validate")
        }

        async fn discard(&mut self, (): &()) {
            self.steps.push("discard");
        }

        async fn switch(&mut self, (): &()) -> Result<(), Error> {
            self.step("switch")
        }

        async fn verify(&mut self, (): &()) -> Result<(), Error> {
            self.step("verify")
        }

        async fn commit(&mut self, (): &()) -> Result<(), Error> {
            self.step("commit")
        }

        async fn roll_back(&mut self, (): (), _failure: &mut Error) -> Result<Back, Error> {
            self.step("roll back")?;
            Ok(Back::Done("all is as before".to_owned()))
        }

        async fn clean_up(&mut self) -> Result<(), Error> {
            self.step("clean up")
        }

        fn way_back(&self) -> WayBackWords {
            WayBackWords { name: "going back", hint: "run it again" }
        }
    }

    #[tokio::test]
    async fn each_failure_ends_where_it_should() {
        let cases: [(&[&str], &str, Option<&str>); 7] = [
            (&[], "stage validate switch verify commit clean up", None),
            (&["stage"], "stage", Some("stage")),
            (&["validate"], "stage validate discard", Some("validate")),
            (&["switch"], "stage validate switch roll back", Some("switch; all is as before")),
            (&["verify"], "stage validate switch verify roll back", Some("verify; all is as before")),
            (&["commit"], "stage validate switch verify commit roll back", Some("commit; all is as before")),
            (
                &["verify", "roll back"],
                "stage validate switch verify roll back",
                Some("verify; going back failed too: roll back"),
            ),
        ];
        for (fails, steps, message) in cases {
            let mut change = Noted { fails: fails.to_vec(), ..Noted::default() };
            let ended = run(&mut change).await;
            assert_eq!(change.steps.join(" "), steps);
            assert_eq!(ended.err().map(|error| error.message).as_deref(), message);
        }
    }
}
