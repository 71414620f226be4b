{{/*
Name of all objects. Part of DNS names that others write down, so it is never cut: pods carry it with an ordinal, and a
label with a hash of ten characters.
*/}}
{{- define "hourglass-executor.fullname" -}}
{{- $name := default .Release.Name .Values.fullnameOverride }}
{{- if gt (len $name) 52 }}
{{- fail (printf "fullnameOverride: %s is longer than the 52 characters that a StatefulSet may be called; set a shorter name" $name) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "hourglass-executor.serviceAccountName" -}}
{{- $own := .Values.serviceAccount.create | ternary (include "hourglass-executor.fullname" .) "default" }}
{{- default $own .Values.serviceAccount.name }}
{{- end }}

{{- define "hourglass-executor.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "hourglass-executor.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hourglass-executor.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "hourglass-executor.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: executor
app.kubernetes.io/part-of: hourglass
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* How many executors there are. */}}
{{- define "hourglass-executor.replicas" -}}
{{- $given := not (kindIs "invalid" .Values.replicas) }}
{{- $configured := len .Values.executors }}
{{- if .Values.existingConfigSecret }}
{{- if .Values.executors }}
{{- fail "executors: existingConfigSecret holds the configurations; set one of the two" }}
{{- end }}
{{- if not $given }}
{{- fail "replicas: say how many executors existingConfigSecret holds the configurations of" }}
{{- end }}
{{- else if not $configured }}
{{- fail "executors: there is none; give one configuration an executor, or existingConfigSecret" }}
{{- else if and $given (gt (int .Values.replicas) $configured) }}
{{- fail (printf "replicas: %d executors are asked for, and executors has the configurations of %d" (int .Values.replicas) $configured) }}
{{- end }}
{{- $given | ternary .Values.replicas $configured | int }}
{{- end }}

{{- define "hourglass-executor.probe" -}}
{{- if eq .type "grpc" -}}
grpc: {port: {{ .port }}}
{{- else -}}
tcpSocket: {port: grpc}
{{- end }}
{{ toYaml .settings }}
{{- end }}
