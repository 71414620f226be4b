//! The registrar of the first AVS where it is a contract of the user's.

use ethers::types::Address;
use hourglass_component::{chain::OperatorSetId, keys::EcdsaKey};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use super::{
    Accounts, ChainControl, ChainTopology, ContractRole, DeployedContract, EXECUTOR_SET, SetupError, UserContract,
    accounts::registrar_of, batch::Batch, contracts::with_role,
};

/// The registrar of an AVS, of the first without a name: a contract of the user's among those that are deployed, or that of the
/// harness.
pub fn registrar_in(avs: Option<&str>, deployed: &[DeployedContract]) -> Address {
    let own = || with_role(ContractRole::AvsRegistrar, at::L1_CHAIN_ID, deployed);
    avs.is_none().then(own).flatten().unwrap_or_else(|| registrar_of(avs))
}

/// A registrar of the user's.
pub(super) struct OwnRegistrar<'a> {
    pub(super) address: Address,
    /// The operator set whose member aggregates, as it says.
    pub(super) aggregator_set: u32,
    contract: &'a UserContract,
    /// Who may change its allow-list.
    owner: &'a EcdsaKey,
}

impl<'a> OwnRegistrar<'a> {
    /// The registrar among the contracts that are deployed, if one has that role.
    pub(super) async fn find(
        l1: &ChainControl,
        topology: &'a ChainTopology,
        accounts: &'a Accounts,
        deployed: &[DeployedContract],
    ) -> Result<Option<Self>, SetupError> {
        let is_registrar = |contract: &&UserContract| {
            contract.role == Some(ContractRole::AvsRegistrar) && contract.chain_id == at::L1_CHAIN_ID
        };
        let Some(contract) = topology.contracts.iter().find(is_registrar) else { return Ok(None) };
        let failed = |reason: String| SetupError::Contract { name: contract.name.clone(), reason };
        let address = registrar_in(None, deployed);
        let registrar = b::TaskAvsRegistrar::new(address, l1.client().provider().clone());
        let config = registrar.get_avs_config().call().await;
        let config = config.map_err(|error| l1.client().fail("the configuration of the registrar", error))?;
        let (aggregator_set, executor_sets) = (config.aggregator_operator_set_id, config.executor_operator_set_ids);
        if aggregator_set == EXECUTOR_SET || !executor_sets.contains(&EXECUTOR_SET) {
            return Err(failed(format!(
                "its getAvsConfig() says that set {aggregator_set} aggregates and that sets {executor_sets:?} execute, and the \
                 operators of the harness execute in set {EXECUTOR_SET}; configure it with `args`, `initialize` or `calls`"
            )));
        }
        let owner = if contract.artifact.has_function("owner()") {
            let owner = registrar.owner().call().await;
            accounts.key_of(owner.map_err(|error| l1.client().fail("the owner of the registrar", error))?)
        } else {
            None
        };
        let owner = owner.or_else(|| accounts.named(&contract.from));
        let owner = owner.ok_or_else(|| failed(format!("no account is called `{}`", contract.from)))?;
        Ok(Some(Self { address, aggregator_set, contract, owner }))
    }

    /// Puts an operator on the allow-list, if there is one and the operator is not on it.
    pub(super) async fn allow(
        &self,
        batch: &mut Batch<'_>,
        set: OperatorSetId,
        operator: Address,
    ) -> Result<(), SetupError> {
        let artifact = &self.contract.artifact;
        if !artifact.has_function("addOperatorToAllowlist((address,uint32),address)") {
            return Ok(());
        }
        let registrar = b::TaskAvsRegistrar::new(self.address, batch.node());
        if artifact.has_function("isOperatorAllowed((address,uint32),address)") {
            let is_allowed = registrar.is_operator_allowed(set.into(), operator).call().await;
            let client = batch.chain.client();
            if is_allowed.map_err(|error| client.fail("the allow-list of the registrar", error))? {
                return Ok(());
            }
        }
        let call = registrar.add_operator_to_allowlist(set.into(), operator);
        batch.add(self.owner, "allow an operator", call).await
    }
}
