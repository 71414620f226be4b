//! What the chains of a scenario must be prepared for.

use hourglass_chain::{
    AccountSecret, AvsTopology, ChainTopology, ContractReplacement, ContractRole, DeployScript, OperatorStake,
    TaskFees, UserCall, UserContract, UserProxy,
};
use hourglass_proto::contracts::addresses::{L1_CHAIN_ID, L2_CHAIN_ID};
use hourglass_scenario::{
    self as scenario, Chain, CompiledContract, CompiledReplacement, ContractCall, Operator, Scenario,
};

/// The configuration that the chains must be prepared for.
pub(crate) fn chain_topology(scenario: &Scenario, secret: AccountSecret) -> ChainTopology {
    let topology = &scenario.topology;
    let further = topology.avss.iter().map(|avs| AvsTopology {
        name: avs.name.clone(),
        task_sla: topology.task_sla_of(Some(&avs.name)).into(),
        threshold: topology.threshold_of(Some(&avs.name)),
        operators: stakes(&avs.operators),
    });
    ChainTopology {
        task_sla: topology.task_sla.into(),
        threshold: topology.threshold,
        operators: stakes(&topology.operators),
        fees: topology
            .fees
            .as_ref()
            .map(|fees| TaskFees { token: fees.token.clone(), collector: fees.collector.clone() }),
        further_avss: further.collect(),
        replacements: scenario.replacements.iter().map(replacement).collect(),
        contracts: scenario.contracts.iter().map(contract).collect(),
        deploy_scripts: scenario.deploy_scripts.iter().map(deploy_script).collect(),
        secret,
    }
}

fn stakes(operators: &[Operator]) -> Vec<OperatorStake> {
    let stake = |operator: &Operator| OperatorStake { name: operator.name.clone(), weight: operator.weight };
    operators.iter().map(stake).collect()
}

fn deploy_script(script: &scenario::DeployScript) -> DeployScript {
    DeployScript {
        run: script.run.clone(),
        environment: script.environment.clone(),
        chain_id: chain_id(script.chain),
        deploys: script.deploys.clone(),
        inputs: script.inputs.clone(),
        folder: script.folder.clone().unwrap_or_default(),
        within: script.limit().into(),
    }
}

fn chain_id(chain: Chain) -> u64 {
    match chain {
        Chain::L1 => L1_CHAIN_ID,
        Chain::L2 => L2_CHAIN_ID,
    }
}

fn contract(compiled: &CompiledContract) -> UserContract {
    let CompiledContract { name, contract, compiled } = compiled;
    compiled.add_errors();
    UserContract {
        name: name.clone(),
        chain_id: chain_id(contract.chain),
        from: contract.from.clone(),
        artifact: compiled.clone(),
        args: contract.args.clone(),
        proxy: contract.proxy.and(contract.initialize.as_ref()).map(|initialize| UserProxy {
            admin: contract.proxy_admin.clone().unwrap_or_else(|| "deployer".to_owned()),
            function: initialize.function.clone(),
            args: initialize.args.clone(),
        }),
        calls: calls(&contract.calls),
        role: contract.role.map(|role| match role {
            scenario::ContractRole::TaskHook => ContractRole::TaskHook,
            scenario::ContractRole::AvsRegistrar => ContractRole::AvsRegistrar,
        }),
    }
}

fn replacement(of: &CompiledReplacement) -> ContractReplacement {
    let CompiledReplacement { name, replacement, compiled } = of;
    compiled.add_errors();
    ContractReplacement {
        name: name.clone(),
        from: replacement.from.clone(),
        artifact: compiled.clone(),
        args: replacement.args.clone().unwrap_or_default(),
        calls: calls(&replacement.calls),
    }
}

fn calls(calls: &[ContractCall]) -> Vec<UserCall> {
    let call = |call: &ContractCall| UserCall {
        function: call.function.clone(),
        args: call.args.clone(),
        from: call.from.clone(),
    };
    calls.iter().map(call).collect()
}
