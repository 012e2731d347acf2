//! The record of calls, and the failures a test has ordered.

use std::collections::VecDeque;

use crate::engine::ErrorKind;

/// One method of the engine's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    List,
    Inspect,
    CreateNetwork,
    FindNetworks,
    RemoveNetwork,
    CreateContainer,
    Start,
    Stop,
    Restart,
    RemoveContainer,
    SetRestartPolicy,
    Upload,
    Download,
    Stat,
    Pause,
    Unpause,
    Exec,
    Wait,
    Logs,
    Pull,
    FindImage,
    TagImage,
    SaveImages,
    LoadImages,
    RenameContainer,
    Volumes,
    RemoveVolume,
    Describe,
}

impl Call {
    /// The method's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Inspect => "inspect",
            Self::CreateNetwork => "create_network",
            Self::FindNetworks => "find_networks",
            Self::RemoveNetwork => "remove_network",
            Self::CreateContainer => "create_container",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::RemoveContainer => "remove_container",
            Self::SetRestartPolicy => "set_restart_policy",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Stat => "stat",
            Self::Pause => "pause",
            Self::Unpause => "unpause",
            Self::Exec => "exec",
            Self::Wait => "wait",
            Self::Logs => "logs",
            Self::Pull => "pull",
            Self::FindImage => "find_image",
            Self::TagImage => "tag_image",
            Self::SaveImages => "save_images",
            Self::LoadImages => "load_images",
            Self::RenameContainer => "rename_container",
            Self::Volumes => "volumes",
            Self::RemoveVolume => "remove_volume",
            Self::Describe => "describe",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) log: Vec<String>,
    /// So many more calls are answered.
    pub(super) down_after: Option<usize>,
    before: VecDeque<(Call, ErrorKind)>,
    after: VecDeque<(Call, ErrorKind)>,
}

impl Calls {
    pub(super) fn fail_before(&mut self, call: Call, kind: ErrorKind) {
        self.before.push_back((call, kind));
    }

    pub(super) fn fail_after(&mut self, call: Call, kind: ErrorKind) {
        self.after.push_back((call, kind));
    }

    /// Logs the call. An error means that it must do nothing; `Some` that it fails after its work.
    pub(super) fn begin(
        &mut self,
        call: Call,
        about: &str,
    ) -> Result<Option<ErrorKind>, (ErrorKind, String)> {
        match &mut self.down_after {
            Some(0) => return Err((ErrorKind::Unreachable, "the engine is gone".to_owned())),
            Some(left) => *left -= 1,
            None => {}
        }
        self.log.push(format!("{} {about}", call.name()).trim_end().to_owned());
        match take(&mut self.before, call) {
            Some(kind) => Err((kind, "ordered by the test".to_owned())),
            None => Ok(take(&mut self.after, call)),
        }
    }
}

fn take(queue: &mut VecDeque<(Call, ErrorKind)>, call: Call) -> Option<ErrorKind> {
    let at = queue.iter().position(|(ordered, _)| *ordered == call)?;
    queue.remove(at).map(|(_, kind)| kind)
}
