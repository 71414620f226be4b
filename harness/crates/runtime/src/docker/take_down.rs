//! Ends a trial's containers: in order if the engine answers, by the supervisor if it does not.

use futures::future::{join_all, try_join_all};
use hourglass_reaper::Supervisor;
use hourglass_scenario::ComponentRef;

use super::{
    STOP_GRACE, chains::AnvilContainer, container::RunningComponent, context::DockerContext, logs::Watch, performers,
};
use crate::{Leak, RuntimeError, Teardown, blocking};

/// Ends everything in order; the result lists what had to be forced.
pub(super) async fn take_down(
    context: &DockerContext,
    watch: &Watch,
    anvils: Vec<AnvilContainer>,
    components: Vec<RunningComponent>,
) -> Result<Vec<Leak>, RuntimeError> {
    // The aggregator first: it would only log errors about executors and chains that are gone.
    let (aggregator, executors): (Vec<_>, Vec<_>) =
        components.into_iter().partition(|running| *running.component() == ComponentRef::Aggregator);
    let mut leaks = stop(&aggregator, context).await?;
    // An executor that has stopped cannot end its performers.
    let down = join_all(executors.iter().map(|executor| executor.is_running(context))).await;
    let down: Vec<_> = executors.iter().zip(down).filter(|(_, running)| !matches!(running, Ok(true))).collect();
    let (stopped, killed, orphans) = tokio::join!(
        stop(&executors, context),
        join_all(anvils.iter().map(|anvil| anvil.kill(context))),
        join_all(down.iter().map(|(executor, _)| performers::end(executor.component(), context))),
    );
    leaks.extend(stopped?);
    tracing::debug!("components and chains have ended");
    killed.into_iter().chain(orphans).collect::<Result<(), _>>()?;
    let executors_of = || executors.iter().map(RunningComponent::component);
    try_join_all(executors_of().map(|executor| performers::read(executor, context, watch))).await?;
    watch.finish().await;
    tracing::debug!("the output of all containers is read");
    try_join_all(executors_of().map(|executor| performers::remove_ended(executor, context))).await?;
    let removing = aggregator.iter().chain(&executors).map(|running| running.remove(context));
    let (anvils, components) =
        tokio::join!(join_all(anvils.into_iter().map(AnvilContainer::remove)), join_all(removing));
    anvils.into_iter().chain(components).collect::<Result<(), _>>()?;
    context.remove().await?;
    Ok(leaks)
}

/// Ends the supervisor, and returns what it found; if the engine is gone, only the supervisor waits for its return.
pub(super) async fn end(supervisor: Supervisor, engine_is_gone: bool) -> Result<Teardown, RuntimeError> {
    if engine_is_gone {
        supervisor.detach()?;
        return Ok(Teardown { leaks: Vec::new(), folder_guard: None });
    }
    let (report, folder_guard) = blocking(move || supervisor.sweep()).await?;
    let leaks = report.leftovers.into_iter().map(|leftover| Leak { what: leftover.to_string() }).collect();
    Ok(Teardown { leaks, folder_guard: Some(folder_guard) })
}

/// Stops components concurrently.
async fn stop(components: &[RunningComponent], context: &DockerContext) -> Result<Vec<Leak>, RuntimeError> {
    let stopping = components.iter().map(|running| async move {
        let forced = running.stop(STOP_GRACE, context).await?;
        let grace = humantime::format_duration(STOP_GRACE);
        let what = format!("{} did not end within {grace} of SIGTERM", running.component());
        Ok::<_, RuntimeError>(forced.then_some(Leak { what }))
    });
    Ok(try_join_all(stopping).await?.into_iter().flatten().collect())
}
