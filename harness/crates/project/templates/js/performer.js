// A performer: the executor hands it each task, and signs what it answers.
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");
const { HealthImplementation } = require("grpc-health-check");

const definition = protoLoader.loadSync(path.join(__dirname, "proto", "performer.proto"), { keepCase: true });
const { PerformerService } = grpc.loadPackageDefinition(definition).eigenlayer.hourglass.v1.performer;

// Computes the result of a task: here, its payload in capital letters.
function executeTask(call, callback) {
  const { task_id, payload } = call.request;
  if (payload.length === 0) {
    callback({ code: grpc.status.INVALID_ARGUMENT, details: "the payload is empty" });
    return;
  }
  callback(null, { task_id, result: Buffer.from(payload.toString("utf8").toUpperCase()) });
}

// Is called once before the first task.
function startSync(call, callback) {
  callback(null, {});
}

const server = new grpc.Server();
server.addService(PerformerService.service, { ExecuteTask: executeTask, StartSync: startSync });
new HealthImplementation({ "": "SERVING" }).addToServer(server);

const port = process.env.GRPC_PORT || "8080";
server.bindAsync(`0.0.0.0:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log(`performer listens on port ${port}`);
});
process.on("SIGTERM", () => server.tryShutdown(() => process.exit(0)));
