{{/* Name of the application, in labels. */}}
{{- define "hourglass-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of objects in the release's namespace. The longest that is made of it is `NAME-metrics`. */}}
{{- define "hourglass-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- end }}

{{/* Name of objects without a namespace: releases of the same name in two namespaces must not share them. */}}
{{- define "hourglass-operator.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "hourglass-operator.fullname" .) }}
{{- end }}

{{- define "hourglass-operator.serviceAccountName" -}}
{{- $own := .Values.serviceAccount.create | ternary (include "hourglass-operator.fullname" .) "default" }}
{{- default $own .Values.serviceAccount.name }}
{{- end }}

{{/* Name of the Lease of the one that acts. */}}
{{- define "hourglass-operator.lease" -}}
{{- default (include "hourglass-operator.fullname" .) .Values.config.leaderElection.name }}
{{- end }}

{{- define "hourglass-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "hourglass-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hourglass-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hourglass-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "hourglass-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: hourglass
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The configuration file. */}}
{{- define "hourglass-operator.config" -}}
{{- if eq (int .Values.metrics.port) (int .Values.health.port) }}
{{- fail "health.port: it is the port of metrics, and each needs one of its own" }}
{{- end }}
{{- $lease := dict "namespace" .Release.Namespace "name" (include "hourglass-operator.lease" .) }}
{{- $config := deepCopy .Values.config }}
{{- $_ := set $config "leaderElection" (mergeOverwrite (deepCopy .Values.config.leaderElection) $lease) }}
{{- $_ := set $config "metricsBindAddress" (printf "0.0.0.0:%d" (int .Values.metrics.port)) }}
{{- $_ := set $config "healthProbeBindAddress" (printf "0.0.0.0:%d" (int .Values.health.port)) }}
{{- toYaml $config }}
{{- end }}

{{/* What the operator may do with Performers and what it makes of them. */}}
{{- define "hourglass-operator.rules" -}}
- apiGroups: [hourglass.eigenlayer.io]
  resources: [performers]
  verbs: [list, watch, patch]
- apiGroups: [hourglass.eigenlayer.io]
  resources: [performers/status]
  verbs: [patch]
# For clusters that ask who blocks the deletion of an owner whether he may.
- apiGroups: [hourglass.eigenlayer.io]
  resources: [performers/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch, create, patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, delete]
# Their versions alone: what Performers take environment variables from.
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
