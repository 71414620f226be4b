//! A performer: the executor hands it each task, and signs what it answers.

use tokio::signal::unix::{SignalKind, signal};
use tonic::{Request, Response, Status, transport::Server};

mod performer {
    tonic::include_proto!("eigenlayer.hourglass.v1.performer");
}

use performer::{
    StartSyncRequest, StartSyncResponse, TaskRequest, TaskResponse,
    performer_service_server::{PerformerService, PerformerServiceServer},
};

struct Performer;

#[tonic::async_trait]
impl PerformerService for Performer {
    /// Computes the result of a task: here, its payload in capital letters.
    async fn execute_task(&self, request: Request<TaskRequest>) -> Result<Response<TaskResponse>, Status> {
        let task = request.into_inner();
        if task.payload.is_empty() {
            return Err(Status::invalid_argument("the payload is empty"));
        }
        Ok(Response::new(TaskResponse { task_id: task.task_id, result: task.payload.to_ascii_uppercase() }))
    }

    /// Is called once before the first task.
    async fn start_sync(&self, _: Request<StartSyncRequest>) -> Result<Response<StartSyncResponse>, Status> {
        Ok(Response::new(StartSyncResponse {}))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("GRPC_PORT").unwrap_or_else(|_| "8080".to_owned()).parse()?;
    let service = PerformerServiceServer::new(Performer);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<PerformerServiceServer<Performer>>().await;
    let mut terminate = signal(SignalKind::terminate())?;
    println!("performer listens on port {port}");
    Server::builder()
        .add_service(health_service)
        .add_service(service)
        .serve_with_shutdown(([0, 0, 0, 0], port).into(), async move {
            terminate.recv().await;
        })
        .await?;
    Ok(())
}
