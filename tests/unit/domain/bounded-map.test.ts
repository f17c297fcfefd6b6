import { describe, expect, it } from 'vitest'
import { BoundedMap } from '../../../services/core/domain/bounded-map'

describe('a bounded map', () => {
  it('keeps the newest entries, the oldest first', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1).set('b', 2)
    expect([...map]).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    map.set('c', 3)
    expect([...map.keys()]).toEqual(['b', 'c'])
    expect([...map.values()]).toEqual([2, 3])
    expect(map.size).toBe(2)
    expect(map.has('a')).toBe(false)
    expect(map.get('a')).toBeUndefined()
  })

  it('counts what is set anew as the newest, and loses nothing by it', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1).set('b', 2).set('a', 3)
    expect([...map]).toEqual([
      ['b', 2],
      ['a', 3],
    ])
    map.set('c', 4)
    expect([...map.keys()]).toEqual(['a', 'c'])
  })

  it('does not make an entry newer that is only read', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1).set('b', 2)
    expect(map.get('a')).toBe(1)
    map.set('c', 3)
    expect([...map.keys()]).toEqual(['b', 'c'])
  })

  it('makes what is missing once, and makes it newer each time it is used', () => {
    const map = new BoundedMap<string, object>(2)
    let made = 0
    const make = (): object => ({ made: ++made })
    const first = map.getOrInsert('a', make)
    map.getOrInsert('b', make)
    expect(map.getOrInsert('a', make)).toBe(first)
    map.getOrInsert('c', make)
    expect([...map.keys()]).toEqual(['a', 'c'])
    expect(made).toBe(3)
  })

  it('takes undefined for a value that is there', () => {
    const map = new BoundedMap<string, number | undefined>(2)
    map.set('a', undefined)
    expect(map.getOrInsert('a', () => 1)).toBeUndefined()
    expect(map.has('a')).toBe(true)
  })

  it('tells of what goes because of the limit, and of nothing else', () => {
    const gone: string[] = []
    const map = new BoundedMap<string, number>(2, (value, key) => gone.push(`${key}${value} of ${map.size}`))
    map.set('a', 1).set('b', 2).set('a', 3)
    expect(map.delete('b')).toBe(true)
    expect(map.delete('b')).toBe(false)
    map.set('c', 4).set('d', 5)
    expect(gone).toEqual(['a3 of 2'])
    map.clear()
    expect(map.size).toBe(0)
    expect(gone).toHaveLength(1)
  })
})
