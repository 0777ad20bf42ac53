//! One request at a service, as its handlers see it.

use std::ops::Deref;

use crate::base::call::Call;
use crate::base::moment::Moment;

/// One request, once its service has let it in: the call, and what the service knows of it, such as who asks.
///
/// The world is no part of it. A handler takes the world beside it, shared or exclusive, and so its signature says
/// whether it changes anything.
pub(crate) struct Context<'a, S = ()> {
    pub(crate) call: &'a Call,
    pub(crate) now: Moment,
    /// What the service alone knows; it is read as if it were a part of the context.
    pub(crate) admitted: S,
}

impl<'a, S> Context<'a, S> {
    pub(crate) fn new(call: &'a Call, admitted: S) -> Self {
        Self { call, now: call.now, admitted }
    }
}

impl<S> Deref for Context<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.admitted
    }
}
