//! The request that is being answered, for those who may end it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The cancel token of the request that is being answered; none between requests.
#[derive(Clone, Default)]
pub(super) struct CurrentRequest(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: Option<CancellationToken>,
    input_ended: bool,
    terminated: bool,
}

impl CurrentRequest {
    pub(super) fn begin(&self) -> CancellationToken {
        let mut state = self.state();
        let token = CancellationToken::new();
        if state.input_ended {
            token.cancel();
        }
        state.running = Some(token.clone());
        token
    }

    pub(super) fn end(&self) {
        self.state().running = None;
    }

    pub(super) fn cancel(&self) {
        if let Some(token) = &self.state().running {
            token.cancel();
        }
    }

    pub(super) fn end_of_input(&self) {
        self.state().input_ended = true;
        self.cancel();
    }

    /// No further request is answered. Tells whether one runs that nobody has cancelled yet,
    /// which is cancelled now.
    pub(super) fn terminate(&self) -> bool {
        let mut state = self.state();
        state.terminated = true;
        let fresh = state.running.as_ref().is_some_and(|token| !token.is_cancelled());
        state.running.iter().for_each(CancellationToken::cancel);
        fresh
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state().running.is_none()
    }

    pub(super) fn is_over(&self) -> bool {
        self.state().terminated
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
