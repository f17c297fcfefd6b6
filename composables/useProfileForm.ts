import { reactive, ref } from 'vue'
import { useMessages } from './useMessages'

const PASSWORD_MIN = 8
const NAME_MAX_BYTES = 64

/** The fields that a new and a restored profile share, and what is wrong with them. */
export function useProfileForm() {
  const { fieldError } = useMessages()
  const form = reactive({ name: '', password: '', repeat: '' })
  const errors = ref<{ name?: string; password?: string; repeat?: string; words?: string; form?: string }>({})

  /** True when name and password can be taken; the errors say what is not. */
  function valid(): boolean {
    errors.value = {}
    const name = form.name.trim()
    if (name === '') errors.value.name = fieldError({ code: 'empty-name' })
    else if (new TextEncoder().encode(name).length > NAME_MAX_BYTES)
      errors.value.name = fieldError({ code: 'name-too-long' })
    if ([...form.password].length < PASSWORD_MIN) errors.value.password = fieldError({ code: 'weak-password' })
    else if (form.password !== form.repeat) errors.value.repeat = fieldError({ code: 'password-mismatch' })
    return Object.keys(errors.value).length === 0
  }

  /** Puts a refusal of the vault at its field. */
  function refuse(code: string): void {
    const at =
      code === 'empty-name' ? 'name' : code === 'weak-password' ? 'password' : code === 'bad-words' ? 'words' : 'form'
    errors.value = { [at]: fieldError({ code }) }
  }

  return { form, errors, valid, refuse }
}
