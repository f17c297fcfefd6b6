export default defineAppConfig({
  ui: {
    colors: {
      primary: 'mulberry',
      neutral: 'stone',
      success: 'green',
      warning: 'amber',
      error: 'red',
      info: 'stone',
    },
    button: { slots: { base: 'cursor-pointer font-semibold justify-center' }, defaultVariants: { size: 'lg' } },
    input: { slots: { root: 'w-full' }, defaultVariants: { size: 'xl' } },
    textarea: { slots: { root: 'w-full' }, defaultVariants: { size: 'xl' } },
    formField: { defaultVariants: { size: 'xl' } },
  },
})
