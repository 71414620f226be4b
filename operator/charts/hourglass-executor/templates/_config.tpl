{{/*
The configuration of one executor: (dict "root" $ "ordinal" 0 "own" …). JSON, which is YAML with every text in quotes:
bare, an address or a key is a number to some readers of YAML.
*/}}
{{- define "hourglass-executor.file" -}}
{{- $values := .root.Values }}
{{- $given := mergeOverwrite (deepCopy $values.config) (deepCopy .own) }}
{{- range $key := list "grpcPort" "managementServerGrpcPort" }}
{{- if hasKey $given $key }}
{{- fail (printf "executors[%d].%s: the chart sets it, see service.port and service.managementPort" $.ordinal $key) }}
{{- end }}
{{- end }}
{{- $cluster := dict "namespace" .root.Release.Namespace "inCluster" true "connectionTimeout" "30s" }}
{{- $_ := set $cluster "operatorNamespace" (default .root.Release.Namespace $values.performers.operatorNamespace) }}
{{- $_ := set $cluster "crdGroup" "hourglass.eigenlayer.io" }}
{{- $_ := set $cluster "crdVersion" "v1alpha1" }}
{{- $file := mergeOverwrite (dict "kubernetes" $cluster) $given }}
{{- $_ := set $file "grpcPort" (int $values.service.port) }}
{{- if not (kindIs "invalid" $values.service.managementPort) }}
{{- $_ := set $file "managementServerGrpcPort" (int $values.service.managementPort) }}
{{- end }}
{{- if $values.keys.existingSecret }}
{{- $key := dict "privateKeyFile" (include "hourglass-executor.keyFile" .root) }}
{{- $keys := dict "operatorPrivateKey" $key "signingKeys" (dict "ecdsa" $key) }}
{{- $_ := set $file "operator" (merge ($file.operator | default dict) $keys) }}
{{- include "hourglass-executor.refuseKeys" (dict "ordinal" .ordinal "operator" $file.operator) }}
{{- end }}
{{- toPrettyJson $file }}
{{- end }}

{{/* Files are no secret where keys are in a Secret of the user's: then there may be none in them. */}}
{{- define "hourglass-executor.refuseKeys" -}}
{{- $found := list (dig "operatorPrivateKey" "privateKey" "" .operator) (dig "signingKeys" "ecdsa" "privateKey" "" .operator) (dig "signingKeys" "bls" "" .operator) }}
{{- if compact $found }}
{{- fail (printf "executors[%d].operator: it holds a key, and keys.existingSecret says that another Secret does" .ordinal) }}
{{- end }}
{{- end }}

{{/* Where a pod has its own key of keys.existingSecret. */}}
{{- define "hourglass-executor.keyFile" -}}
/var/run/secrets/hourglass/executor
{{- end }}

{{/* All files, by name. */}}
{{- define "hourglass-executor.files" -}}
{{- $root := . }}
{{- $files := dict }}
{{- range $ordinal, $own := .Values.executors }}
{{- $file := include "hourglass-executor.file" (dict "root" $root "ordinal" $ordinal "own" $own) }}
{{- $_ := set $files (printf "executor-%d.yaml" $ordinal) $file }}
{{- end }}
{{- toYaml $files }}
{{- end }}
