//! What the emulated Azure DevOps does otherwise, where no document says which of two things the service does.

/// The other of two things that Azure DevOps may do. By default the emulator does the first: the one that its documents,
/// recorded traffic or other tools hint at, or the stricter one.
///
/// ```
/// use azconnect_emulator::{DevOpsOutcome, Settings};
///
/// let settings = Settings::default().with_other_outcome(DevOpsOutcome::MissingConnectionNotFound);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DevOpsOutcome {
    /// A member that a body's contract does not have is refused. Else it is passed over, and not stored.
    UnknownMembersRefused,
    /// An input that a connection's type does not have is passed over, and not stored. Else it is refused.
    ExtraInputsIgnored,
    /// An update with `accessToken: null` does no harm. Else it breaks a service principal's connection.
    NullAccessTokenHarmless,
    /// An update that fails inside the service, 500, has stored its change. Else it has not.
    StoredBeforeFailing,
    /// A connection is disabled and enabled by `operation=ChangeProperties` alone, and a plain update leaves that as it was.
    DisablingByOperation,
    /// Reading a connection that is not there is 404. Else it is 200 with `null`.
    MissingConnectionNotFound,
    /// A project that is not there is 404. Else it is 400; both with `VS800075`.
    MissingProjectNotFound,
    /// A name that is taken is 409. Else it is 500; both with `DuplicateServiceConnectionException`.
    DuplicateNameConflict,
    /// The ids in the subject of a federation are written out. Else they are encoded.
    PlainFederationSubject,
    /// New federations have the issuer that retires, `https://vstoken.dev.azure.com`. Else they have the current one.
    RetiringIssuer,
    /// The conversion call moves a federated connection from the issuer that retires to the current one. Else it refuses.
    ConversionMovesIssuer,
    /// Only who administers a connection in the whole organization sees its projects. Else everybody sees those they may enter.
    ProjectReferencesHidden,
    /// A deletion is answered 200. Else it is 204.
    DeletionAnsweredOk,
    /// Errors are plain text. Else they are JSON.
    TextErrors,
}

impl DevOpsOutcome {
    /// Every outcome that can be chosen.
    pub const ALL: [Self; 14] = [
        Self::UnknownMembersRefused,
        Self::ExtraInputsIgnored,
        Self::NullAccessTokenHarmless,
        Self::StoredBeforeFailing,
        Self::DisablingByOperation,
        Self::MissingConnectionNotFound,
        Self::MissingProjectNotFound,
        Self::DuplicateNameConflict,
        Self::PlainFederationSubject,
        Self::RetiringIssuer,
        Self::ConversionMovesIssuer,
        Self::ProjectReferencesHidden,
        Self::DeletionAnsweredOk,
        Self::TextErrors,
    ];

    /// Its name in `settings.devopsOutcomes` of a seed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownMembersRefused => "unknownMembersRefused",
            Self::ExtraInputsIgnored => "extraInputsIgnored",
            Self::NullAccessTokenHarmless => "nullAccessTokenHarmless",
            Self::StoredBeforeFailing => "storedBeforeFailing",
            Self::DisablingByOperation => "disablingByOperation",
            Self::MissingConnectionNotFound => "missingConnectionNotFound",
            Self::MissingProjectNotFound => "missingProjectNotFound",
            Self::DuplicateNameConflict => "duplicateNameConflict",
            Self::PlainFederationSubject => "plainFederationSubject",
            Self::RetiringIssuer => "retiringIssuer",
            Self::ConversionMovesIssuer => "conversionMovesIssuer",
            Self::ProjectReferencesHidden => "projectReferencesHidden",
            Self::DeletionAnsweredOk => "deletionAnsweredOk",
            Self::TextErrors => "textErrors",
        }
    }
}
