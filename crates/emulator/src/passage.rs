//! The way of a request through the world: who may refuse it, in which order, and who answers it.

use jiff::Timestamp;

use crate::error::{ArmError, Reply};
use crate::governance::{self, budgets, capacity, denials, locks, policies, registration};
use crate::identity::anonymous::Anonymous;
use crate::route::call::{Call, Errand, Sender};
use crate::wire::{Method, Request, Response};
use crate::world::World;
use crate::{faults, files, gate};

impl World {
    /// Answers a request at a moment of the cloud's time; a moment before that of an earlier request is taken as that.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        let now = self.settle(now);
        let id = self.request_ids.guid();
        let mut call = Call::new(request, now, &id);
        let mut response = if files::is_for(&request.path) {
            files::answer(self, &call)
        } else if Anonymous::of(&request.path).is_some() {
            faults::strike(self, &call)
        } else {
            let reply = self.pass(&mut call);
            gate::dress(self, &call, reply.unwrap_or_else(|refusal| refusal.response()))
        };
        if request.method == Method::Head {
            response.body.clear();
        }
        self.log.add(request, &response, now, &id);
        response
    }

    /// The way of a request; each line may end it.
    fn pass(&mut self, call: &mut Call) -> Reply {
        gate::admit(self, call)?;
        budgets::spend(self, call)?;
        let changed = self.check(call)?;
        let call = &call.changed(changed.as_ref());
        Ok(faults::strike(self, call))
    }

    /// What is laid down for the cloud and its users; gives the request that takes the place of this one, if any.
    fn check(&mut self, call: &Call) -> Result<Option<Request>, ArmError> {
        governance::check(self, call)?;
        denials::check(self, call)?;
        let changed = policies::judge(self, call)?;
        let call = &call.changed(changed.as_ref());
        locks::check(self, call)?;
        registration::check(self, call)?;
        capacity::check(self, call)?;
        Ok(changed)
    }

    /// The answer of the resource itself.
    pub(crate) fn answer(&mut self, call: &Call) -> Response {
        let reply = match Anonymous::of(&call.request.path) {
            Some(path) => path.answer(self, call.request, call.now),
            None => self.dispatch(call),
        };
        reply.unwrap_or_else(|error| error.response())
    }

    /// Answers an errand as the request of the client on whose behalf it is; budgets and faults are for clients alone.
    pub(crate) fn run_errand(&mut self, errand: &Errand, sender: &Sender, now: Timestamp) -> Response {
        let target = format!("{}?api-version={}", errand.path, errand.api_version);
        let mut request = Request::new(errand.method, &target).header("host", &sender.host);
        request.scheme = if sender.is_https { "https" } else { "http" };
        if !errand.body.is_null() {
            request = request.json(errand.body);
        }
        let id = self.request_ids.guid();
        let (api_version, principal) = (errand.api_version.to_owned(), sender.principal.clone());
        let call = Call { api_version, principal, ..Call::new(&request, now, &id) };
        match self.check(&call) {
            Ok(changed) => self.answer(&call.changed(changed.as_ref())),
            Err(refusal) => refusal.response(),
        }
    }
}
