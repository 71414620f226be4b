//! What the chains of a scenario must be prepared for.

use hourglass_chain::{AccountSecret, ChainTopology, ContractRole, OperatorStake, UserCall, UserContract};
use hourglass_proto::contracts::addresses::{L1_CHAIN_ID, L2_CHAIN_ID};
use hourglass_scenario::{self as scenario, Chain, CompiledContract, Scenario};

/// The configuration that the chains must be prepared for.
pub(crate) fn chain_topology(scenario: &Scenario, secret: AccountSecret) -> ChainTopology {
    let operators = scenario.topology.operators.iter();
    let operators = operators.map(|operator| OperatorStake { name: operator.name.clone(), weight: operator.weight });
    ChainTopology {
        task_sla: scenario.topology.task_sla.into(),
        threshold: scenario.topology.threshold,
        operators: operators.collect(),
        contracts: scenario.contracts.iter().map(contract).collect(),
        secret,
    }
}

fn contract(compiled: &CompiledContract) -> UserContract {
    let CompiledContract { name, contract, compiled } = compiled;
    compiled.add_errors();
    let calls = contract.calls.iter().map(|call| UserCall {
        function: call.function.clone(),
        args: call.args.clone(),
        from: call.from.clone(),
    });
    UserContract {
        name: name.clone(),
        chain_id: match contract.chain {
            Chain::L1 => L1_CHAIN_ID,
            Chain::L2 => L2_CHAIN_ID,
        },
        from: contract.from.clone(),
        artifact: compiled.clone(),
        args: contract.args.clone(),
        calls: calls.collect(),
        role: contract.role.map(|role| match role {
            scenario::ContractRole::TaskHook => ContractRole::TaskHook,
        }),
    }
}
