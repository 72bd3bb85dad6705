import type {
  BulkReport,
  ChangeSet,
  FeedEvent,
  ImportReport,
  Item,
  ItemChange,
  Items,
  ItemSummary,
  ItemVersion,
  StoreManager,
  Token,
  UndoReport,
} from './schema.ts'

// These distinguish responses of the service from those of something else. They accept unknown members.

export function isItem(value: unknown): value is Item {
  return (
    isRecord(value) &&
    typeof value['id'] === 'string' &&
    typeof value['name'] === 'string' &&
    typeof value['category'] === 'string' &&
    typeof value['price_usd'] === 'number' &&
    typeof value['in_stock'] === 'boolean'
  )
}

export function isItems(value: unknown): value is Items {
  return isRecord(value) && Object.values(value).every(isItem)
}

export function isSummary(value: unknown): value is ItemSummary {
  return isRecord(value) && typeof value['items'] === 'number' && typeof value['in_stock'] === 'number'
}

export function isReport(value: unknown): value is ImportReport {
  return (
    isRecord(value) &&
    ['created', 'updated', 'unchanged', 'failed'].every((count) => typeof value[count] === 'number') &&
    Array.isArray(value['errors'])
  )
}

export function isBulkReport(value: unknown): value is BulkReport {
  return (
    isRecord(value) &&
    ['matched', 'changed', 'unchanged', 'not_owned'].every((count) => typeof value[count] === 'number') &&
    Array.isArray(value['changes'])
  )
}

export function isChangeSet(value: unknown): value is ChangeSet {
  return isRecord(value) && ['id', 'at', 'kind'].every((name) => typeof value[name] === 'string')
}

export function isItemChange(value: unknown): value is ItemChange {
  return isRecord(value) && typeof value['item_id'] === 'string' && isRecord(value['fields'])
}

export function isItemVersion(value: unknown): value is ItemVersion {
  return isItemChange(value) && 'change' in value && isChangeSet(value.change)
}

export function isFeedEvent(value: unknown): value is FeedEvent {
  return isItemChange(value) && typeof value.kind === 'string' && typeof value.version === 'number'
}

export function isUndoReport(value: unknown): value is UndoReport {
  return isRecord(value) && typeof value['conflicting'] === 'number' && Array.isArray(value['changes'])
}

export function isStoreManager(value: unknown): value is StoreManager {
  return isRecord(value) && ['id', 'name', 'email'].every((name) => typeof value[name] === 'string')
}

export function isToken(value: unknown): value is Token {
  return isRecord(value) && isBearerToken(value['access_token']) && typeof value['expires_in'] === 'number'
}

export function isMessage(value: unknown): value is { message: string } {
  return isRecord(value) && typeof value['message'] === 'string'
}

export function isBearerToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.~+/-]+=*$/.test(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
