//! The wire between the product and the services, where an attacker may answer in a service's place.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect::core::Error;
use azconnect::http::{Request, Response, Transport};

type Twist = Box<dyn Fn(&Request) -> Option<Response> + Send + Sync>;
type Ear = Box<dyn Fn(&Request, &Response) + Send + Sync>;

/// Passes exchanges on, notes whom they went to, and lets the attacker answer in between.
pub struct Wire {
    inner: Arc<dyn Transport>,
    twist: Twist,
    ear: Ear,
    hosts: Mutex<Vec<String>>,
}

impl Wire {
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, twist: Box::new(|_| None), ear: Box::new(|_, _| {}), hosts: Mutex::default() }
    }

    /// Answers instead of the service wherever this gives an answer.
    pub fn with_twist(mut self, twist: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        self.twist = Box::new(twist);
        self
    }

    /// Hears every exchange with the service itself.
    pub fn with_ear(mut self, ear: impl Fn(&Request, &Response) + Send + Sync + 'static) -> Self {
        self.ear = Box::new(ear);
        self
    }

    /// The hosts that were called, one for each exchange.
    pub fn hosts(&self) -> Vec<String> {
        self.hosts.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.hosts.lock().unwrap().push(request.uri().host().unwrap_or_default().to_owned());
        if let Some(answer) = (self.twist)(&request) {
            return Ok(answer);
        }
        let (parts, body) = request.into_parts();
        let copy = Request::from_parts(parts.clone(), body.clone());
        let answer = self.inner.send(Request::from_parts(parts, body)).await?;
        (self.ear)(&copy, &answer);
        Ok(answer)
    }
}
