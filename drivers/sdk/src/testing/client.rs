//! Typed calls: the host's half of the contract over [`Host`].

use std::fmt::Debug;

use jsonrpsee::core::client::{BatchResponse, ClientT, Error as ClientError};
use jsonrpsee::core::params::BatchRequestBuilder;
use jsonrpsee::core::traits::ToRpcParams;
use jsonrpsee::types::ErrorObjectOwned;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Host;

/// A client that needs no task of its own, and sees every message that comes in between.
impl ClientT for Host {
    async fn notification<P>(&self, method: &str, params: P) -> Result<(), ClientError>
    where
        P: ToRpcParams + Send,
    {
        let params = value_of(params)?;
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
        Ok(())
    }

    async fn request<R, P>(&self, method: &str, params: P) -> Result<R, ClientError>
    where
        R: DeserializeOwned,
        P: ToRpcParams + Send,
    {
        let mut reply = self.ask(method, value_of(params)?).await;
        match reply.get_mut("error").map(Value::take) {
            Some(error) => {
                Err(ClientError::Call(serde_json::from_value::<ErrorObjectOwned>(error)?))
            }
            None => Ok(serde_json::from_value(reply["result"].take())?),
        }
    }

    async fn batch_request<'a, R>(
        &self,
        _batch: BatchRequestBuilder<'a>,
    ) -> Result<BatchResponse<'a, R>, ClientError>
    where
        R: DeserializeOwned + Debug + 'a,
    {
        Err(ClientError::Custom("the protocol has no batches".into()))
    }
}

fn value_of(params: impl ToRpcParams) -> Result<Value, ClientError> {
    let params = params.to_rpc_params()?;
    Ok(params.map(|params| serde_json::from_str(params.get())).transpose()?.unwrap_or_default())
}
